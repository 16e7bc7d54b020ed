import { type Evaluator, isAnswered, NOT_APPLICABLE, passed } from './evaluator.ts'

/** Whether the model came to its end: neither its token limit nor a cut stream ended the answer. */
export const notTruncated: Evaluator = {
  name: 'not_truncated',
  version: 1,
  applies: isAnswered,
  score: (input) =>
    isAnswered(input)
      ? passed(!input.answer.isTruncated, 'came to its end', 'ended before the model was done')
      : NOT_APPLICABLE,
}
