import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BUILT_IN_RULES, createRedactor } from '../../src/domain/redaction/redactor.ts'
import { anyPlanted, ordinaryText } from '../fakes/planted-secrets.ts'

const redactor = createRedactor({ builtIn: BUILT_IN_RULES, patterns: [], paths: [] })
const redact = (text: string): string => redactor.text(text, new Map())

/** As a text in JSON may be written: every character an escape, or the @ and the / alone. */
const escapedAll = (text: string): string =>
  [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')

const between = fc.constantFrom(' ', '\n', ', ', '"', "'", '(', '`', '> ', ' – ')

it('lets no planted secret through, wherever it stands in a text', () => {
  fc.assert(
    fc.property(ordinaryText, between, anyPlanted, between, ordinaryText, (before, left, planted, right, after) => {
      const counts = new Map<string, number>()
      const kept = redactor.text(before + left + planted.text + right + after, counts)
      expect(kept).not.toContain(planted.secret)
      expect(kept).toContain('[redacted:')
      expect(counts.size).toBeGreaterThan(0)
    }),
    { numRuns: 3_000 },
  )
})

it('lets none through in JSON, in JSON within a text, or written in escapes', () => {
  fc.assert(
    fc.property(ordinaryText, anyPlanted, fc.boolean(), fc.nat(3), (before, planted, isEscaped, nesting) => {
      let text = isEscaped ? `${before} ${escapedAll(planted.text)}` : `${before} ${planted.text}`
      for (let level = 0; level < nesting; level += 1) text = JSON.stringify({ arguments: text, list: [1, text] })
      const kept = JSON.stringify(redactor.json({ content: text, [`a ${planted.text}`]: 1 }, new Map()))
      expect(kept).not.toContain(JSON.stringify(planted.secret).slice(1, -1))
      expect(kept).not.toContain(planted.secret)
      expect(kept).not.toContain(JSON.stringify(escapedAll(planted.secret)).slice(1, -1))
    }),
    { numRuns: 2_000 },
  )
})

it('leaves ordinary text as it is', () => {
  fc.assert(
    fc.property(ordinaryText, (text) => {
      expect(redact(text)).toBe(text)
      expect(redactor.json({ text, list: [text], n: 1_763_640_000_000 }, new Map())).toEqual({
        text,
        list: [text],
        n: 1_763_640_000_000,
      })
    }),
  )
})

it('changes nothing the second time', () => {
  const anything = fc.array(
    fc.oneof(
      anyPlanted.map(({ text }) => text),
      ordinaryText,
      fc.string(),
      fc.stringMatching(/^[\d +().@-]{0,30}$/),
    ),
  )
  fc.assert(
    fc.property(anything, fc.constantFrom('', ' ', ',', '-'), (pieces, separator) => {
      const once = redact(pieces.join(separator))
      expect(redact(once)).toBe(once)
    }),
    { numRuns: 3_000 },
  )
})

it('is total, and what it makes of JSON is JSON of the same shape', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(redactor.json(value, new Map()))
      expect(Array.isArray(JSON.parse(text))).toBe(Array.isArray(value))
    }),
  )
})
