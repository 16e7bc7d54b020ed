import { boundsOf, type Check } from './assess.ts'
import type { Evidence, RecentCalls } from './evidence.ts'
import type { Rollout } from './rollout.ts'

/** Why a candidate must go. `cause` is the word for it, `because` the numbers. */
export type Harm = { readonly rule: 'breaker' | 'harm'; readonly cause: string; readonly because: readonly string[] }

/**
 * The harm that is certain; undefined where none is. Looked for before anything is asked of the sample: what is certain
 * after twenty calls is certain.
 */
export function harmOf(rollout: Rollout, { breaker, readings }: Evidence, checks: readonly Check[]): Harm | undefined {
  if (breaker !== undefined) return { rule: 'breaker', cause: 'breaker', because: [`breaker: ${breaker}`] }
  const isJudgeHeard = rollout.isJudgeTrustWaived || readings?.judge.isTrusted === true
  const harmful = checks.filter(
    ({ guardrail, harm }) =>
      harm !== undefined && harm.logE >= harm.threshold && (guardrail !== 'quality' || isJudgeHeard),
  )
  const [first] = harmful
  if (first === undefined) return undefined
  return { rule: 'harm', cause: first.guardrail, because: harmful.map((check) => harmText(rollout, check)) }
}

const LEAST_CALLS = 20
const FAILING_SHARE = 0.2

/** Why going back to stable would help nobody: it fails often, and not much less often than the candidate. */
export function stableFails({ stable, candidate }: Evidence['recent']): string | undefined {
  if (stable.calls < LEAST_CALLS) return undefined
  const share = shareOf(stable)
  if (share < FAILING_SHARE || share < shareOf(candidate) / 2) return undefined
  return `stable is failing too: ${stable.failed} of its last ${stable.calls} calls`
}

function shareOf({ calls, failed }: RecentCalls): number {
  return calls === 0 ? 0 : failed / calls
}

function harmText(rollout: Rollout, { guardrail, task, seen, harm }: Check): string {
  const evidence = `ln E ${harm?.logE.toFixed(2)}, harm from ${harm?.threshold.toFixed(2)} on`
  if (seen.kind === 'rates') {
    return `${guardrail} (${task}): ${share(seen.candidate)} against ${share(seen.control)} (${evidence})`
  }
  const { upper } = boundsOf(rollout, seen.pairs)
  return `${guardrail} (${task}): worse by ${(-seen.mean).toFixed(3)}, surely by ${(-upper).toFixed(3)} (${evidence})`
}

function share(value: number): string {
  return `${(value * 100).toFixed(1)}%`
}
