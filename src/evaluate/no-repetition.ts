import { type EvaluationInput, type Evaluator, hasText, NOT_APPLICABLE, scored, type Verdict } from './evaluator.ts'

/**
 * Whether an answer runs in circles: 1 less the share of its word sequences that were there before, beyond a share that
 * lists and code have too. Only answers long enough to degenerate are looked at.
 */
export const noRepetition: Evaluator = { name: 'no_repetition', version: 1, applies: isLong, score }

const WORDS_PER_SEQUENCE = 8
const MIN_WORDS = 60
/** Loops show at the end of an answer. */
const SEARCHED_CHARS = 60_000
/** Repeated sequences in tables, lists and code; loops are far above it. */
const USUAL_SHARE = 0.3

function isLong(input: EvaluationInput): boolean {
  return hasText(input) && input.answer.text.length >= MIN_WORDS
}

function score(input: EvaluationInput): Verdict {
  if (!isLong(input)) return NOT_APPLICABLE
  const share = repeatedShare(wordsOf(input.answer.text.slice(-SEARCHED_CHARS)))
  if (share === undefined) return NOT_APPLICABLE
  const beyond = Math.max(0, share - USUAL_SHARE) / (1 - USUAL_SHARE)
  return scored(1 - beyond, `${Math.round(share * 100)} % of its word sequences repeat earlier ones`)
}

/** Words, or, in a text that has no blanks to speak of, its characters. */
function wordsOf(text: string): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== '')
  return words.length * 40 < text.length ? text.split('') : words
}

/** Share of the sequences that occurred before; undefined for too few words. */
function repeatedShare(words: readonly string[]): number | undefined {
  const sequences = words.length - WORDS_PER_SEQUENCE + 1
  if (words.length < MIN_WORDS) return undefined
  const seen = new Set<string>()
  for (let at = 0; at < sequences; at++) seen.add(words.slice(at, at + WORDS_PER_SEQUENCE).join(' '))
  return 1 - seen.size / sequences
}
