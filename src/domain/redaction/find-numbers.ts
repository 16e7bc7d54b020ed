import type { Rule, Span } from './span.ts'

/** ISO/IEC 7812: payment cards have 13 to 19 digits, in practice beginning with 2 to 6, the last a Luhn check digit. */
const SHORTEST_CARD = 13
const LONGEST_CARD = 19

/**
 * Card numbers: whole groups of digits, joined by single blanks or dashes, that pass the Luhn check. Numbers of other
 * meaning pass it once in ten times.
 */
export const findCards: Rule = (text) => {
  const groups = [...text.matchAll(/\d+/g)].map(({ 0: digits, index }) => ({ digits, from: index }))
  const spans: Span[] = []
  for (const [first, begin] of groups.entries()) {
    const isBehindPoint = text[begin.from - 1] === '.' && isDigit(text.charCodeAt(begin.from - 2))
    if (begin.digits < '2' || begin.digits >= '7' || isBehindPoint) continue
    let digits = ''
    let last = -1
    let to = begin.from - 1
    for (let index = first; index < groups.length; index += 1) {
      const group = groups[index]
      if (group === undefined || digits.length + group.digits.length > LONGEST_CARD) break
      const isNext = index === first || (group.from === to + 1 && (text[to] === ' ' || text[to] === '-'))
      if (!isNext) break
      digits += group.digits
      to = group.from + group.digits.length
      if (digits.length >= SHORTEST_CARD && isLuhn(digits)) last = to
    }
    if (last >= 0) spans.push({ from: begin.from, to: last, kind: 'card' })
  }
  return spans
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const doubled = index % 2 === 0 ? digit : digit * 2
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** ISO 13616: two letters, two check digits, up to 30 letters and digits; Norway's, the shortest, has 15 in all. */
const SHORTEST_IBAN = 15
const LONGEST_IBAN = 34

/** International bank account numbers, written together or in groups, whose check digits are right. */
export const findIbans: Rule = (text) => {
  const spans: Span[] = []
  for (const match of text.matchAll(/(?<![\p{L}\p{N}])[A-Za-z]{2}\d{2}/gu)) {
    let compact = ''
    let to = -1
    for (let at = match.index; at < text.length && compact.length <= LONGEST_IBAN; at += 1) {
      const character = text[at] ?? ''
      if (/[A-Za-z0-9]/.test(character)) compact += character
      else if (!/[ -]/.test(character) || !/[A-Za-z0-9]/.test(text[at + 1] ?? '')) break
      const isEnd = !/[A-Za-z0-9]/.test(text[at + 1] ?? '')
      if (isEnd && compact.length >= SHORTEST_IBAN && compact.length <= LONGEST_IBAN && isIban(compact)) to = at + 1
    }
    if (to > 0) spans.push({ from: match.index, to, kind: 'iban' })
  }
  return spans
}

/** ISO 7064 mod 97-10: the first four characters moved to the end, letters as 10 to 35, leave 1. */
function isIban(compact: string): boolean {
  let rest = 0
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97
  }
  return rest === 1
}

/**
 * Telephone numbers as people write them so that others can call from elsewhere: `+` or `00` and 8 to 15 digits (ITU-T
 * E.164), and North American ones of 3-3-4 digits. Other national forms look like any number: say them as patterns.
 */
const PHONES: readonly RegExp[] = [
  /(?<![\d+])(?:\+|00)[1-9](?:[ .()/-]{0,3}\d){7,14}(?!\d)/g,
  /(?<![\d.-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\d-])/g,
]

export const findPhones: Rule = (text) =>
  PHONES.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ 0: found, index }) => ({
      from: index,
      to: index + found.length,
      kind: 'phone',
    })),
  )
