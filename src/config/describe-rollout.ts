import { stageName } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import { formatDurationMs } from './duration.ts'

/** `mini on chat: openai/gpt-4o → openai/gpt-4o-mini by shadow, 5%, 25%, 50%, a bake of 1d; quality by judge`. */
export function describeRollout({ name, route, stable, candidate, plan, metric, asked }: Rollout): string {
  const stages = [
    ...(plan.shadow === undefined ? [] : [stageName({ kind: 'shadow' })]),
    ...plan.steps.map(({ percent }) => stageName({ kind: 'ramping', percent })),
    `a bake of ${formatDurationMs(plan.bake.durationMs)}`,
  ]
  const state = asked.state === 'running' ? '' : `; ${asked.state.replace('_', ' ')}`
  return `${name} on ${route}: ${stable.key} → ${candidate.key} by ${stages.join(', ')}; quality by ${metric}${state}`
}
