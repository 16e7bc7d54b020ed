import type { AnswerContent } from '../../dialects/answer-content.ts'
import type { PicoUsd } from '../../domain/units.ts'
import { type AskJudge, hearOut } from './hear-out.ts'
import { rubricHearing } from './hearing.ts'
import type { JudgeModel } from './judge-model.ts'
import type { JudgeCase } from './judge-request.ts'

/** The level of one answer as a score in [0, 1], or why there is none. */
export type JudgedAnswer = {
  readonly value: number | undefined
  readonly failure: string | undefined
  readonly picoUsd: PicoUsd | undefined
}

/** Levels of the rubric are 0 to 4. */
const TOP_LEVEL = 4

/** Has one answer graded on the five-level rubric. */
export async function judgeLive(
  judge: JudgeModel,
  about: JudgeCase,
  answer: AnswerContent,
  ask: AskJudge,
): Promise<JudgedAnswer> {
  const { heard, picoUsd } = await hearOut(rubricHearing(judge, { ...about, answer }), ask)
  return heard.kind === 'failed'
    ? { value: undefined, failure: heard.why, picoUsd }
    : { value: heard.said.verdict / TOP_LEVEL, failure: undefined, picoUsd }
}
