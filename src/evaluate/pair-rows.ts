import type { AnswerContent } from '../dialects/answer-content.ts'
import type { PromptContent } from '../dialects/prompt-content.ts'
import type { AnsweredPair, AnsweredSide } from '../domain/answered.ts'
import type { Pair, PairSide } from '../domain/pair.ts'
import { scoreRevision } from '../domain/score.ts'
import type { JudgePolicy } from '../domain/scoring-policy.ts'
import type { EpochMs } from '../domain/units.ts'
import type { ComparedSides } from './compare-sides.ts'
import { judgeVersion } from './judge/judge-model.ts'
import { judgeOfPolicy } from './judge/judge-of-policy.ts'
import type { JudgedPair } from './judge/judge-pair.ts'
import { PAIRWISE_PROMPT } from './judge/pairwise-prompt.ts'

/** Name of the judge among the evaluators. */
export const JUDGE = 'judge'

/** A pair whose bytes have been read. */
export type ReadPair = {
  readonly pair: AnsweredPair
  readonly prompt: PromptContent | undefined
  readonly stable: AnswerContent
  readonly candidate: AnswerContent
}

export function evaluatorPair(read: ReadPair, compared: ComparedSides, at: EpochMs): Pair {
  const { name, version } = compared.evaluator
  const { stableValue, candidateValue, verdict, explanation } = compared
  return {
    ...pairOf(read, stableValue, candidateValue),
    evaluator: name,
    version: String(version),
    revision: scoreRevision(version, at),
    pairedAt: at,
    verdict,
    explanation,
    picoUsd: 0n,
  }
}

export function judgePairRow(
  read: ReadPair,
  judge: JudgePolicy,
  { verdict, explanation, picoUsd }: JudgedPair,
  at: EpochMs,
): Pair {
  return {
    ...pairOf(read, undefined, undefined),
    evaluator: JUDGE,
    version: judgeVersion(judgeOfPolicy(judge), PAIRWISE_PROMPT.version),
    revision: scoreRevision(0, at),
    pairedAt: at,
    verdict,
    explanation,
    picoUsd,
  }
}

function pairOf({ pair, stable, candidate }: ReadPair, stableValue?: number, candidateValue?: number) {
  const { traceId, comparison, isControl, route, task, unit, isRedacted, policyVersion, audit } = pair
  return {
    traceId,
    stableAttemptId: pair.stable.attemptId,
    candidateAttemptId: pair.candidate.attemptId,
    comparison,
    isControl,
    stable: sideOf(pair.stable, stable, stableValue),
    candidate: sideOf(pair.candidate, candidate, candidateValue),
    route,
    task,
    unit,
    isRedacted,
    policyVersion,
    audit,
  }
}

function sideOf({ target, status }: AnsweredSide, { text }: AnswerContent, value: number | undefined): PairSide {
  return { target, value, chars: status === 0 ? undefined : text.length }
}
