import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDurationMs, parseDurationMs } from '../../src/config/duration.ts'
import { scaleDecimal } from '../../src/config/exact-decimal.ts'
import { formatFault } from '../../src/config/fault.ts'
import { interpolate } from '../../src/config/interpolate.ts'
import { parseConfig } from '../../src/config/load.ts'
import { formatSizeBytes, parseSizeBytes } from '../../src/config/size.ts'

// As long as the keys that providers give out.
const KEY = 'sk-proj-REALLY-SECRET-0123456789abcdefghijklmnopqrstuvwxyz'
const EXAMPLE = readFileSync(join(import.meta.dirname, '../../config/understudy.example.yaml'), 'utf8').replace(
  '${OPENAI_API_KEY:-}',
  KEY,
)

test('every whole number of milliseconds survives being written and read', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), (ms) => {
      expect(parseDurationMs(formatDurationMs(ms))).toBe(ms)
    }),
  )
})

test('every whole number of bytes survives being written and read', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      expect(parseSizeBytes(formatSizeBytes(bytes))).toBe(bytes)
    }),
  )
})

test('a decimal is scaled as long division would do it', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.nat(999_999), (whole, micros) => {
      const text = `${whole}.${String(micros).padStart(6, '0')}`
      expect(scaleDecimal(text, 1_000_000n)).toBe(BigInt(whole) * 1_000_000n + BigInt(micros))
    }),
  )
})

test('a text without ${ is not changed, and an escaped one comes back', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '{', '}', ':', '-', 'A', ' ', '\n') })
  fc.assert(
    fc.property(text, (original) => {
      expect(
        interpolate(
          original.replaceAll('${', () => '$${'),
          { A: 'x' },
        ),
      ).toEqual({
        text: original,
        variables: [],
        faults: [],
      })
    }),
  )
})

test('a value from the environment arrives as it is, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.stringMatching(/^[a-z]{0,8}$/), (value, around) => {
      expect(interpolate(`${around}\${NAME}${around}`, { NAME: value }).text).toBe(`${around}${value}${around}`)
    }),
  )
})

/** The example after a few slips: pieces lost, doubled, moved and typed in. */
const spoiled = fc
  .array(
    fc.record({
      at: fc.nat(EXAMPLE.length),
      lost: fc.oneof(fc.constant(0), fc.nat(12)),
      typed: fc.oneof(
        fc.constantFrom(
          '',
          '\n',
          '  ',
          '\t',
          ':',
          ': ',
          '- ',
          '"',
          "'",
          '[',
          ']',
          '{',
          '}',
          '&a ',
          '*a',
          '!x ',
          '#',
          '|\n',
          '${',
          '${X}',
          '<<: ',
          '---\n',
          '?',
          '%',
          '@',
        ),
        fc.string({ maxLength: 6 }),
        fc.nat(EXAMPLE.length - 40).map((from) => EXAMPLE.slice(from, from + 40)),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((slips) =>
    slips.reduce((text, { at, lost, typed }) => text.slice(0, at) + typed + text.slice(at + lost), EXAMPLE),
  )

/** That a text is a config or has faults an operator can find. */
function expectVerdict(text: string): void {
  const result = parseConfig(text, 'u.yaml', {}, '/base')
  if ('config' in result) return
  expect(result.faults.length).toBeGreaterThan(0)
  const lines = text.split(/\r\n|\n|\r/).length
  for (const fault of result.faults) {
    expect(fault.line).toBeGreaterThanOrEqual(1)
    expect(fault.line).toBeLessThanOrEqual(lines + 1)
    expect(fault.column).toBeGreaterThanOrEqual(1)
    expect(fault.text).toMatch(/^expected .*, found /s)
    expect(formatFault(fault)).not.toContain('\n')
    expect(formatFault(fault)).not.toContain('SECRET')
  }
}

test('a spoiled file is never a crash, only faults with a place and without the key that is in the file', () => {
  fc.assert(fc.property(spoiled, expectVerdict), { numRuns: 300 })
})

test('no text at all is a crash', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json())
  fc.assert(fc.property(text, expectVerdict), { numRuns: 300 })
})

test('values of every kind in every place are never a crash', () => {
  const key = fc.constantFrom(
    'listen',
    'admin',
    'store',
    'providers',
    'openai',
    'limits',
    'prices',
    'headers',
    'model',
    '__proto__',
    'constructor',
    'toString',
    '0',
    '<<',
  )
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, 1.5, '', 'x', '${', '${A:-1}'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(key, tie('any'), { maxKeys: 4 }),
    ),
  })).any
  fc.assert(
    fc.property(value, (any) => expectVerdict(JSON.stringify(any))),
    { numRuns: 300 },
  )
})
