import type { Check } from '../domain/rollout/assess.ts'
import type { Explanation } from '../domain/rollout/explain.ts'
import { livePhaseOf, phaseText, sharesOf, stageName } from '../domain/rollout/phase.ts'
import type { RolloutView } from '../domain/rollout/rollout-view.ts'
import { timeJson } from './policy-json.ts'
import type { Json, RolloutEstimate } from './ports.ts'

/** What `if-match` must say for a change to be the next one after this. */
export function tagOf({ state }: RolloutView): string {
  return String(state?.revision ?? 0)
}

/**
 * A rollout: what the file says, `phase` and `percent` as in force here, who changed it last and why; `last_look` is null
 * where another proxy decides, `unstored` counts changes that ClickHouse has not been told of.
 */
export function rolloutJson(view: RolloutView): Readonly<Record<string, Json>> {
  const { rollout, state, looked, waiting } = view
  const live = state === undefined ? undefined : livePhaseOf(state.phase)
  return {
    name: rollout.name,
    route: rollout.route,
    stable: rollout.stable.key,
    candidate: rollout.candidate.key,
    steps: rollout.plan.steps.map(({ percent }) => percent),
    phase: state?.phase.kind ?? 'unknown',
    phase_text: state === undefined ? 'not known here yet' : phaseText(state.phase),
    stage: live === undefined ? null : stageName(live),
    percent: state === undefined ? 0 : Math.round(sharesOf(state.phase).candidate * 1e6) / 1e4,
    control_percent: state === undefined ? 0 : Math.round(sharesOf(state.phase).control * 1e6) / 1e4,
    revision: state?.revision ?? 0,
    epoch: state?.epoch ?? 0,
    entered_at: state === undefined ? null : timeJson(state.enteredAt),
    changed_at: state === undefined ? null : timeJson(state.changedAt),
    actor: state?.actor ?? null,
    reason: state?.reason ?? null,
    unstored: waiting,
    last_look:
      looked === undefined
        ? null
        : {
            at: timeJson(looked.at),
            action: looked.transition.action,
            rule: looked.transition.rule,
            because: looked.transition.because,
            is_alert: looked.transition.isAlert,
            checks: looked.transition.checks.map(checkJson),
          },
  }
}

export function explanationJson({ headline, lines, readyInMs }: Explanation): Json {
  return { headline, lines, ready_in_ms: readyInMs ?? null }
}

/** `days` is null where it would never end. */
export function estimateJson({ traffic, speed, paces }: RolloutEstimate): Json {
  const known = (days: number): number | null => (Number.isFinite(days) ? days : null)
  return {
    requests_per_day: traffic.requestsPerDay,
    units_per_day: traffic.unitsPerDay ?? null,
    scored_share: traffic.scoredShare,
    speed,
    paces: paces.map(({ pace, days, stages }) => ({
      pace,
      days: known(days),
      stages: stages.map((stage) => ({
        stage: stage.stage,
        days: known(stage.days),
        bound_by: stage.boundBy,
        pairs: stage.pairs,
        pairs_per_day: stage.pairsPerDay,
      })),
    })),
  }
}

function checkJson({ guardrail, task, count, seen, harm, nonInferior }: Check): Json {
  return {
    guardrail,
    task,
    count,
    mean: seen.kind === 'pairs' ? seen.mean : null,
    candidate_rate: seen.kind === 'rates' ? seen.candidate : null,
    control_rate: seen.kind === 'rates' ? seen.control : null,
    harm: harm === undefined ? null : { log_e: harm.logE, threshold: harm.threshold },
    non_inferior:
      nonInferior === undefined
        ? null
        : { log_e: nonInferior.logE, threshold: nonInferior.threshold, margin: nonInferior.margin },
  }
}
