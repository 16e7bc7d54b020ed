import type { AnswerContent } from '../dialects/answer-content.ts'
import type { PromptContent } from '../dialects/prompt-content.ts'

/** One answer to be scored, and what it is held against. */
export type EvaluationInput = {
  /** HTTP status of the answer; 0 = none came. */
  readonly status: number
  readonly answer: AnswerContent
  readonly prompt: PromptContent | undefined
  /** The right answer, where one is known. */
  readonly expected: string | undefined
  /** Another model's answer to the same prompt. */
  readonly other: AnswerContent | undefined
}

/** A failed verdict is a missing score, never a zero. */
export type Verdict =
  | {
      readonly kind: 'scored'
      /** In [0, 1]; 1 is best. */
      readonly value: number
      /** For people; says nothing of the answer's own text, which may not be stored. */
      readonly explanation: string
    }
  | { readonly kind: 'not_applicable' }
  | { readonly kind: 'failed'; readonly why: string }

/**
 * Judges one side of an answer. Total and pure: the same input gets the same verdict, in time that is bounded by the
 * size of its texts. What a version scores must not change: a rule that changes gets the next version.
 */
export type Evaluator = {
  readonly name: string
  readonly version: number
  /** Cheap: whether `score` may say anything but `not_applicable`. */
  readonly applies: (input: EvaluationInput) => boolean
  readonly score: (input: EvaluationInput) => Verdict
}

export const NOT_APPLICABLE: Verdict = { kind: 'not_applicable' }

export function scored(value: number, explanation: string): Verdict {
  return { kind: 'scored', value: Math.min(1, Math.max(0, value)), explanation }
}

/** 1 or 0, with the words for each. */
export function passed(isGood: boolean, good: string, bad: string): Verdict {
  return scored(isGood ? 1 : 0, isGood ? good : bad)
}

/** Whether there is an answer to look at: what failed is scored by `answered` alone. */
export function isAnswered({ status, answer }: EvaluationInput): boolean {
  return status >= 200 && status < 300 && answer.errorType === undefined
}

/** Whether there is an answer in words. */
export function hasText(input: EvaluationInput): boolean {
  return isAnswered(input) && input.answer.text.trim() !== ''
}
