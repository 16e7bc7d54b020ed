import { francAll } from 'franc-min'
import { type EvaluationInput, type Evaluator, hasText, NOT_APPLICABLE, passed, type Verdict } from './evaluator.ts'

/**
 * Whether the answer is in the language that was asked in: of the other answer where there is one, since a prompt may
 * ask for a translation, else of the user's last words. Symmetric in the two answers. Not applicable to what is too
 * short or too mixed to tell.
 */
export const sameLanguage: Evaluator = { name: 'same_language', version: 1, applies, score }

const MIN_LETTERS = 80
const SEARCHED_CHARS = 4_000
/** franc scores the best language 1 and the others relative to it; closer than this, it is a guess. */
const MIN_LEAD = 0.03

function applies(input: EvaluationInput): boolean {
  return hasText(input) && comparedText(input).length >= MIN_LETTERS && input.answer.text.length >= MIN_LETTERS
}

function comparedText({ other, prompt }: EvaluationInput): string {
  return other?.text ?? prompt?.lastUserText ?? ''
}

function score(input: EvaluationInput): Verdict {
  if (!applies(input)) return NOT_APPLICABLE
  const own = languageOf(input.answer.text)
  const others = languageOf(comparedText(input))
  if (own === undefined || others === undefined) return NOT_APPLICABLE
  return passed(own === others, `both in ${own}`, `in ${own}, not ${others}`)
}

/** Of the texts looked at last: of a pair each is asked for twice, once from either side. */
const known = new Map<string, string | undefined>()
const MOST_KNOWN = 4

/** ISO 639-3 code of the prose in `text`; undefined where it cannot be told. */
function languageOf(text: string): string | undefined {
  if (known.has(text)) return known.get(text)
  const language = tellLanguage(text)
  if (known.size === MOST_KNOWN) known.clear()
  known.set(text, language)
  return language
}

function tellLanguage(text: string): string | undefined {
  const prose = text
    .slice(0, SEARCHED_CHARS)
    .replace(/```[^`]*(?:```|$)/g, ' ')
    .replace(/https?:\S+|[\d\p{P}\p{S}]+/gu, ' ')
    .replace(/\s+/g, ' ')
  if (prose.replaceAll(' ', '').length < MIN_LETTERS) return undefined
  const [first, second] = francAll(prose)
  if (first === undefined || first[0] === 'und') return undefined
  return second !== undefined && first[1] - second[1] < MIN_LEAD ? undefined : first[0]
}
