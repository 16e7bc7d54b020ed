import type { LiveAnswer } from '../domain/answered.ts'
import { type Score, scoreRevision } from '../domain/score.ts'
import type { JudgePolicy } from '../domain/scoring-policy.ts'
import type { EpochMs } from '../domain/units.ts'
import type { EvaluationInput, Evaluator } from './evaluator.ts'
import type { JudgedAnswer } from './judge/judge-live.ts'
import { judgeVersion } from './judge/judge-model.ts'
import { judgeOfPolicy } from './judge/judge-of-policy.ts'
import { RUBRIC_PROMPT } from './judge/rubric-prompt.ts'
import { JUDGE } from './pair-rows.ts'

/** What the evaluators that apply say of one live answer. */
export function evaluatorScores(
  evaluators: readonly Evaluator[],
  input: EvaluationInput,
  live: LiveAnswer,
  at: EpochMs,
): readonly Score[] {
  return evaluators.flatMap(({ name, version, applies, score }): readonly Score[] => {
    const verdict = applies(input) ? score(input) : undefined
    if (verdict === undefined || verdict.kind === 'not_applicable') return []
    return [
      {
        ...aboutLive(live, at),
        source: 'evaluator',
        evaluator: name,
        version: String(version),
        revision: scoreRevision(version, at),
        value: verdict.kind === 'scored' ? verdict.value : undefined,
        failure: verdict.kind === 'failed' ? verdict.why : undefined,
        explanation: verdict.kind === 'scored' ? verdict.explanation : '',
        picoUsd: 0n,
      },
    ]
  })
}

/** What the judge says of it. */
export function judgeScore(live: LiveAnswer, judge: JudgePolicy, judged: JudgedAnswer, at: EpochMs): Score {
  const { value, failure, picoUsd } = judged
  return {
    ...aboutLive(live, at),
    source: 'judge',
    evaluator: JUDGE,
    version: judgeVersion(judgeOfPolicy(judge), RUBRIC_PROMPT.version),
    revision: scoreRevision(0, at),
    value,
    failure,
    explanation: '',
    picoUsd,
  }
}

function aboutLive(live: LiveAnswer, at: EpochMs): Pick<Score, 'traceId' | 'attemptId' | 'scoredAt' | 'about'> {
  const { traceId, route, task, arm, policyVersion } = live
  return {
    traceId,
    attemptId: undefined,
    scoredAt: at,
    about: { route, task, arm, target: live.answer.target, policyVersion },
  }
}
