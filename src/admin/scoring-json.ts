import type { ScoringPolicy } from '../domain/scoring-policy.ts'
import type { Json } from './ports.ts'

/** As `policyJson`. Parameters of the judge are the operator's own, and no secret belongs there. */
export function scoringJson(scoring: ScoringPolicy | undefined): Json {
  if (scoring === undefined) return null
  const { judge } = scoring
  return {
    live_share: scoring.liveShare,
    minimum: Object.fromEntries(scoring.minimum),
    judge:
      judge === undefined
        ? null
        : {
            provider: judge.provider,
            model: judge.model,
            pair_share: judge.pairShare,
            live_share: judge.liveShare,
            max_concurrent: judge.maxConcurrent,
            max_queued: judge.maxQueued,
            timeout_ms: judge.timeoutMs,
            max_output_tokens: judge.maxOutputTokens,
            structured: judge.isStructured,
            parameters: judge.parameters,
          },
  }
}
