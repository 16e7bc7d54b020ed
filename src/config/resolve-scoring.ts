import type { Provider } from '../domain/policy.ts'
import type { JudgePolicy, ScoringPolicy } from '../domain/scoring-policy.ts'
import type { ConfigFile } from './schema.ts'

type JudgeEntry = NonNullable<ConfigFile['judge']>

/** The scoring that a checked file means; undefined where it says nothing of it. */
export function resolveScoring(
  { quality, judge }: Pick<ConfigFile, 'quality' | 'judge'>,
  providers: ReadonlyMap<string, Provider>,
): ScoringPolicy | undefined {
  if (quality === undefined && judge === undefined) return undefined
  return {
    liveShare: quality?.evaluate ?? 0,
    judge: judge === undefined ? undefined : resolveJudge(judge, providers),
    minimum: new Map(Object.entries(quality?.minimum ?? {})),
  }
}

function resolveJudge(entry: JudgeEntry, providers: ReadonlyMap<string, Provider>): JudgePolicy {
  const { provider, model } = entry.target
  // The checks have refused a target without a model.
  if (model === undefined) throw new TypeError('judge.target names no model')
  return {
    provider,
    model,
    api: providers.get(provider)?.dialect === 'anthropic' ? 'messages' : 'chat_completions',
    pairShare: entry.sample.pairs,
    liveShare: entry.sample.live,
    budget: { perHour: entry.budget.per_hour, perDay: entry.budget.per_day },
    maxConcurrent: entry.max_concurrent,
    maxQueued: entry.max_queued,
    timeoutMs: entry.timeout,
    maxOutputTokens: entry.max_output_tokens,
    isStructured: entry.structured,
    parameters: entry.parameters,
  }
}
