import type { Rule, Span } from './span.ts'

/** RFC 5321 has 64 for the part before the @; a little more, so that nothing of a longer one stays. */
const LONGEST_LOCAL = 128
const LOCAL = /[\p{L}\p{N}._%+'-]/u
const DOMAIN = /[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/uy

/** E-mail addresses, internationalised ones too; not those with a quoted local part or without a dot in the domain. */
export const findEmails: Rule = (text) => {
  const spans: Span[] = []
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    DOMAIN.lastIndex = at + 1
    const domain = DOMAIN.exec(text)?.[0]
    if (domain === undefined || !/\.(?:\p{L}{2,}|xn--[\w-]+)$/u.test(domain)) continue
    let from = at
    while (from > 0 && at - from < LONGEST_LOCAL && LOCAL.test(text[from - 1] ?? '')) from -= 1
    if (from < at) spans.push({ from, to: at + 1 + domain.length, kind: 'email' })
  }
  return spans
}
