import { type EvaluationInput, type Evaluator, hasText, NOT_APPLICABLE, scored, type Verdict } from './evaluator.ts'

/** Whether an answer that was asked for its sources names some: links, or numbered marks with a list of them. */
export const citedLinks: Evaluator = { name: 'cited_links', version: 1, applies, score }

const ASKS = /\b(?:cite|citations?|sources?|references?|links?|urls?)\b/i

function applies(input: EvaluationInput): boolean {
  return hasText(input) && input.prompt !== undefined && ASKS.test(input.prompt.lastUserText.slice(-4_000))
}

function score(input: EvaluationInput): Verdict {
  if (!applies(input)) return NOT_APPLICABLE
  const { text } = input.answer
  if (/https?:\/\/[\w-]+\.[\w.-]+/i.test(text)) return scored(1, 'names links')
  return /\[\d{1,3}\]/.test(text) ? scored(0.5, 'has marks of sources but no link') : scored(0, 'names no source')
}
