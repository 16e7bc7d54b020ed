import type { AnswerContent } from '../../dialects/answer-content.ts'
import { answerContentOf } from '../../dialects/answer-content.ts'
import type { JudgeModel } from './judge-model.ts'
import {
  type JudgeCase,
  type JudgeRequest,
  type PairOrder,
  pairwiseRequest,
  repairRequest,
  rubricRequest,
} from './judge-request.ts'
import { PAIRWISE_PROMPT } from './pairwise-prompt.ts'
import { type JudgeSaid, type PairChoice, readPairwise, readRubric } from './read-verdict.ts'
import { RUBRIC_PROMPT } from './rubric-prompt.ts'

/** One question to a judge: what to send, and what its reply comes to. Pure: sending is somebody else's. */
export type Hearing<T> = {
  readonly request: JudgeRequest
  /** `status` and decoded body of the reply; 0 = none came. Never throws. */
  readonly hear: (status: number, body: Buffer) => Heard<T>
}

/** A failed verdict is missing: never a tie, never a zero. */
export type Heard<T> =
  | { readonly kind: 'decided'; readonly said: JudgeSaid<T> }
  /** To be asked once more, with this. */
  | { readonly kind: 'repair'; readonly hearing: Hearing<T> }
  | { readonly kind: 'failed'; readonly why: 'no_reply' | 'refused' | 'not_a_verdict' }

/** One order of a pair. */
export function pairHearing(
  judge: JudgeModel,
  pair: JudgeCase & { readonly candidate: AnswerContent; readonly stable: AnswerContent },
  order: PairOrder,
): Hearing<PairChoice> {
  return opened(judge, pairwiseRequest(judge, pair, order), readPairwise, PAIRWISE_PROMPT.shape)
}

/** A single answer on the five-level rubric; the verdict is the level, 0 to 4. */
export function rubricHearing(
  judge: JudgeModel,
  single: JudgeCase & { readonly answer: AnswerContent },
): Hearing<number> {
  return opened(judge, rubricRequest(judge, single), readRubric, RUBRIC_PROMPT.shape)
}

type Read<T> = (content: AnswerContent) => JudgeSaid<T> | undefined

function opened<T>(
  judge: JudgeModel,
  request: JudgeRequest,
  read: Read<T>,
  shape: string,
  isRepair = false,
): Hearing<T> {
  return {
    request,
    hear: (status, body) => {
      if (status === 0) return { kind: 'failed', why: 'no_reply' }
      const content = answerContentOf(judge.api, body)
      if (status < 200 || status > 299 || content === undefined) return { kind: 'failed', why: 'refused' }
      const said = read(content)
      if (said !== undefined) return { kind: 'decided', said }
      if (isRepair) return { kind: 'failed', why: 'not_a_verdict' }
      return { kind: 'repair', hearing: opened(judge, repairRequest(request, shape), read, shape, true) }
    },
  }
}
