import type { Gate, Rollout } from '../domain/rollout/rollout.ts'
import type { Json } from './ports.ts'

/** The rollouts of the policy, what the pace says filled in. Where they stand is not the policy's. */
export function policyRolloutsJson(rollouts: readonly Rollout[]): Json {
  return rollouts.map((rollout) => ({
    name: rollout.name,
    route: rollout.route,
    stable: rollout.stable.key,
    candidate: rollout.candidate.key,
    identity: rollout.identity,
    salt: rollout.salt,
    shadow: rollout.plan.shadow === undefined ? null : { name: rollout.shadow, ...gateJson(rollout.plan.shadow) },
    steps: rollout.plan.steps.map((step) => ({ percent: step.percent, ...gateJson(step) })),
    bake: {
      duration_ms: rollout.plan.bake.durationMs,
      min_pairs: rollout.plan.bake.minPairs,
      max_duration_ms: rollout.plan.bake.maxDurationMs,
    },
    cooldown_ms: rollout.plan.cooldownMs,
    guardrails: rollout.badEvents,
    tasks_apart: rollout.tasksApart,
    metric: rollout.metric,
    scored: rollout.scoredShare,
    trust_judge: rollout.isJudgeTrustWaived,
    alpha_promote: rollout.alphaPromote,
    alpha_rollback: rollout.alphaRollback,
    stale_after_ms: rollout.staleAfterMs,
    harm_while_paused: rollout.harmWhilePaused ?? null,
    state: rollout.asked.state,
    promote_to: rollout.asked.promoteTo ?? null,
  }))
}

function gateJson(gate: Gate): Readonly<Record<string, Json>> {
  return {
    quality_margin: gate.qualityMargin,
    quality_margin_by_task: gate.qualityMarginByTask,
    success_margin: gate.successMargin,
    min_pairs: gate.minPairs,
    dwell_ms: gate.dwellMs,
    max_duration_ms: gate.maxDurationMs,
    approval: gate.needsApproval ? 'required' : 'none',
  }
}
