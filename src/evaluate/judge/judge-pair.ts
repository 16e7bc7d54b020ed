import type { AnswerContent } from '../../dialects/answer-content.ts'
import type { PairComparison } from '../../domain/pair.ts'
import type { PicoUsd } from '../../domain/units.ts'
import { addCosts, type AskJudge, hearOut } from './hear-out.ts'
import { pairHearing } from './hearing.ts'
import type { JudgeModel } from './judge-model.ts'
import type { JudgeCase } from './judge-request.ts'
import { pairVerdict } from './pair-verdict.ts'

/** The two answers; undefined = none came. */
export type JudgedSides = { readonly stable: AnswerContent | undefined; readonly candidate: AnswerContent | undefined }

export type JudgedPair = {
  readonly verdict: PairComparison
  /** For people, and free of what was judged. */
  readonly explanation: string
  readonly picoUsd: PicoUsd | undefined
}

/** Has a pair judged in both orders. Where an answer is missing the other one is better, and nobody need be asked. */
export async function judgePair(
  judge: JudgeModel,
  about: JudgeCase,
  { stable, candidate }: JudgedSides,
  ask: AskJudge,
): Promise<JudgedPair> {
  if (stable === undefined || candidate === undefined) return unasked(stable !== undefined, candidate !== undefined)
  const pair = { ...about, stable, candidate }
  const one = await hearOut(pairHearing(judge, pair, 'candidate_first'), ask)
  // Without the first order the second would be paid for nothing.
  if (one.heard.kind === 'failed') return failed(one.heard.why, one.picoUsd)
  const other = await hearOut(pairHearing(judge, pair, 'stable_first'), ask)
  const picoUsd = addCosts(one.picoUsd, other.picoUsd)
  if (other.heard.kind === 'failed') return failed(other.heard.why, picoUsd)
  const [first, second] = [one.heard.said.verdict, other.heard.said.verdict]
  const verdict = pairVerdict(first, second)
  if (verdict === undefined) return failed('not_a_verdict', picoUsd)
  return {
    verdict: { kind: 'compared', ...verdict },
    explanation: `candidate first: ${first}; stable first: ${second}`,
    picoUsd,
  }
}

function unasked(hasStable: boolean, hasCandidate: boolean): JudgedPair {
  const compared = (d: number, explanation: string): JudgedPair => ({
    verdict: { kind: 'compared', d, isConsistent: undefined },
    explanation,
    picoUsd: 0n,
  })
  if (hasStable) return compared(-1, 'the candidate gave no answer')
  return hasCandidate ? compared(1, 'the stable model gave no answer') : compared(0, 'neither gave an answer')
}

function failed(why: string, picoUsd: PicoUsd | undefined): JudgedPair {
  return { verdict: { kind: 'failed', why }, explanation: '', picoUsd }
}
