/**
 * Whether two short answers say the same. Words are compared as SQuAD's evaluation has them (Rajpurkar et al. 2016,
 * `normalize_answer`, which the collections behind the routing data use too). Where either holds digits or signs of code
 * and formulas, these count: taking them out would make `C` of `C++`, `15` of `1.5` and one list of two.
 */
export function isSameAnswer(one: string, other: string): boolean {
  const [first, second] = [bare(one), bare(other)]
  if (!LITERAL.test(first) && !LITERAL.test(second)) return words(first) === words(second)
  return QUOTED.test(second) ? compact(first) === compact(second) : folded(first) === folded(second)
}

const LITERAL = /[\d[\]{}<>=+*/\\|^~#_"]/
/** Case counts inside code. */
const QUOTED = /[[\]{}"'`]/

/** Without what is put around an answer: blanks, quotes, emphasis, a code mark, the full stop. */
function bare(text: string): string {
  let inner = text.normalize('NFKC').trim()
  for (;;) {
    const outer = inner
    inner = inner.replace(/[.!]$/, '').trim()
    const mark = /^(\*\*|__|["'`*“”‘’])/.exec(inner)?.[0]
    if (mark !== undefined && inner.length > 2 * mark.length && inner.endsWith(CLOSING[mark] ?? mark)) {
      inner = inner.slice(mark.length, -mark.length).trim()
    }
    if (inner === outer) return inner
  }
}

const CLOSING: Readonly<Record<string, string>> = { '“': '”', '‘': '’' }

/** Lower case, no punctuation, no English articles, single blanks. */
function words(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, '')
    .replace(/\b(?:a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ')
}

/** No blanks beside punctuation and signs, single ones elsewhere. */
function compact(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/ ?([\p{P}\p{S}]) ?/gu, '$1')
}

function folded(text: string): string {
  return compact(text).toLowerCase()
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

/** What stands right before a final number: GSM8K's own mark, TeX's box, or the words; the last of them counts. */
const FINAL_MARK =
  /(?:#{4}|\\boxed\{|\b(?:answer|result|total) (?:is|equals)\b:?|\banswer\s*[:=])[\s$€£*\\(]{0,8}(?=[-+.\d])/gi

/**
 * The number that an answer ends on: the one after the last mark of a final answer, else the last one in the text
 * (openai/grade-school-math; lm-evaluation-harness, gsm8k: `strict-match` and `flexible-extract`).
 */
export function lastNumber(text: string): number | undefined {
  const end = text.slice(-SEARCHED_CHARS).normalize('NFKC')
  const mark = [...end.matchAll(FINAL_MARK)].at(-1)
  const marked = mark === undefined ? undefined : end.slice(mark.index + mark[0].length).match(NUMBER)?.[0]
  const number = marked ?? end.match(NUMBER)?.at(-1)
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
