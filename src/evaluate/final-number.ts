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
