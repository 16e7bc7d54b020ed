import type { Provider } from '../domain/policy.ts'
import { isAskedToEnd, type Rollout } from '../domain/rollout/rollout.ts'
import { impliedShadowName, type Shadow, type ShadowBudget } from '../domain/shadow/shadow.ts'
import { resolveMatch } from './resolve-routing.ts'
import type { ConfigFile } from './schema.ts'

/** In USD 1 an hour and 10 a day: some thousand answers of a small model. */
const USUAL_BUDGET: ShadowBudget = { perHour: 1_000_000_000_000n, perDay: 10_000_000_000_000n }
const USUAL_SAMPLE = 0.25
/** Where a day has few requests, each of them is needed. */
const SMALL_SAMPLE = 1

/** The shadows that rollouts bring along, where no shadow of the file tries their candidates already. */
export function impliedShadows(
  { rollouts: entries }: Pick<ConfigFile, 'rollouts'>,
  rollouts: readonly Rollout[],
  providers: ReadonlyMap<string, Provider>,
): readonly Shadow[] {
  return rollouts.flatMap((rollout) => {
    const { name, candidate, plan, shadow } = rollout
    const entry = entries[name]
    if (plan.shadow === undefined || shadow !== impliedShadowName(name) || isAskedToEnd(rollout)) return []
    return [
      {
        name: shadow,
        rollout: name,
        isEnabled: true,
        dialect: providers.get(candidate.provider)?.dialect ?? 'openai',
        // What is mirrored is told by the decision, not by a match of its own.
        match: resolveMatch({}),
        sample: entry?.shadow?.sample ?? (entry?.pace === 'small' ? SMALL_SAMPLE : USUAL_SAMPLE),
        salt: shadow,
        candidates: [candidate],
        aaShare: 0.1,
        budget:
          entry?.shadow === undefined
            ? USUAL_BUDGET
            : { perHour: entry.shadow.budget.per_hour, perDay: entry.shadow.budget.per_day },
        maxConcurrent: 4,
        maxQueued: 100,
        timeoutMs: 120_000,
        headroomFloor: 0.2,
        redactsCandidate: false,
        maxRequestBytes: 1_000_000,
        providers: undefined,
        streaming: true,
      },
    ]
  })
}
