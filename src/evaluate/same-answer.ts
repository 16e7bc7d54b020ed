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
