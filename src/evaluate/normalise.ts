/**
 * A short answer without what does not change its meaning, as SQuAD's evaluation has it (Rajpurkar et al. 2016,
 * `normalize_answer`, which the collections behind the routing data use too): lower case, no punctuation, no English
 * articles, single blanks. Compatibility forms (NFKC) are folded first, so that full-width digits are digits.
 */
export function normalised(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, '')
    .replace(/\b(?:a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ')
}

/** A number as people write it: sign, digits with thousands separators, decimals, exponent. */
const NUMBER = /(?:(?<![\w.)])[-+])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+|(?=\.\d))(?:\.\d+)?(?:e[-+]?\d{1,3}\b)?/gi

/** `text` as one number, currency and per-cent signs left out; undefined where it is none. */
export function numberOf(text: string): number | undefined {
  const bare = text.normalize('NFKC').replace(/[$€£¥%\s]/g, '')
  const [only, ...others] = bare.match(NUMBER) ?? []
  if (only === undefined || others.length > 0 || only.length !== bare.replace(/\.$/, '').length) return undefined
  return valueOf(only)
}

/**
 * The number that an answer ends on: after GSM8K's own mark `####` where it has one, else the last one in the text
 * (openai/grade-school-math; lm-evaluation-harness, `flexible-extract`).
 */
export function lastNumber(text: string): number | undefined {
  const mark = text.lastIndexOf('####')
  const end = (mark < 0 ? text : text.slice(mark)).slice(-SEARCHED_CHARS).normalize('NFKC')
  const numbers = end.match(NUMBER) ?? []
  const number = mark < 0 ? numbers.at(-1) : numbers[0]
  return number === undefined ? undefined : valueOf(number)
}

/** A final answer stands near the end. */
const SEARCHED_CHARS = 20_000

function valueOf(written: string): number | undefined {
  const value = Number(written.replaceAll(',', ''))
  return Number.isFinite(value) ? value : undefined
}

/** The patterns that MMLU-Pro extracts an answer with, tried in this order (TIGER-AI-Lab/MMLU-Pro, `extract_answer`). */
const CHOICES: readonly RegExp[] = [/answer is:?\s*\**\(?([A-J])\b/gi, /answer:\s*\**\(?([A-J])\b/gi]

/**
 * The letter, A to J, that an answer chooses; undefined where none can be made out. A bare letter, alone or before `)`
 * `.` or `:`, then what is said to be the answer, and at last the last capital letter that stands alone.
 */
export function chosenLetter(text: string): string | undefined {
  const bare = /^[\s(*"']*([A-Ja-j])[\s)*"'.:]*$/.exec(text.slice(0, 40))?.[1]
  if (bare !== undefined && text.trim().length <= 8) return bare.toUpperCase()
  const searched = text.slice(-SEARCHED_CHARS)
  for (const pattern of CHOICES) {
    const said = [...searched.matchAll(pattern)].at(-1)?.[1]
    if (said !== undefined) return said.toUpperCase()
  }
  const opening = /^\s*\(?([A-J])[).:]/.exec(text.slice(0, 40))?.[1]
  return opening ?? [...searched.matchAll(/\b([B-HJ]|A(?![ ]\w)|I(?![ '’]\w))\b/g)].at(-1)?.[1]
}
