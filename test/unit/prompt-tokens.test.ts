import { describe, expect, it } from 'vitest'
import { roughTokens } from '../../src/dialects/rough-tokens.ts'
import { loadSampledTokens } from '../../src/dialects/sampled-tokens.ts'
import { tokenRatio } from '../../src/domain/token-ratio.ts'
import texts from '../fixtures/texts-by-script.json' with { type: 'json' }

type Body = { readonly bytes: Buffer; readonly spans: readonly number[] }

function said(text: string): Body {
  const bytes = Buffer.from(JSON.stringify(text))
  return { bytes, spans: [1, bytes.length - 1] }
}

/** As Python's serialiser writes it. */
function saidInAscii(text: string): Body {
  const json = JSON.stringify(text).replace(
    /[^\0-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return { bytes: Buffer.from(json), spans: [1, json.length - 1] }
}

const cases = Object.entries(texts)
const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')

describe('roughTokens', () => {
  it.each(cases)('is within a third of the tokenizer on %s, short or long', (_, text) => {
    const actual = countTokens(text)
    const short = said(text)
    expect(roughTokens(short.bytes, short.spans) / actual).toBeGreaterThan(0.67)
    expect(roughTokens(short.bytes, short.spans) / actual).toBeLessThan(1.33)
    const long = said(text.repeat(37))
    expect(roughTokens(long.bytes, long.spans) / actual / 37).toBeGreaterThan(0.67)
    expect(roughTokens(long.bytes, long.spans) / actual / 37).toBeLessThan(1.33)
  })

  it.each(cases)('reads %s alike with its characters escaped', (_, text) => {
    const plain = said(text)
    const ascii = saidInAscii(text)
    const ratio = roughTokens(ascii.bytes, ascii.spans) / roughTokens(plain.bytes, plain.spans)
    expect(ratio).toBeGreaterThan(0.85)
    expect(ratio).toBeLessThan(1.15)
  })

  it('is nearer than a quarter of the characters, taken over all scripts', () => {
    const error = (estimate: (text: string) => number): number =>
      cases.reduce((sum, [, text]) => sum + Math.abs(estimate(text) / countTokens(text) - 1), 0) / cases.length
    const rough = error((text) => roughTokens(said(text).bytes, said(text).spans))
    expect(rough).toBeLessThan(0.12)
    expect(error((text) => text.length / 4)).toBeGreaterThan(2 * rough)
  })
})

describe('loadSampledTokens', () => {
  it.each(cases)('is within a quarter of the whole count on much %s', async (_, text) => {
    const estimate = await loadSampledTokens()
    const body = said(`${text} `.repeat(37))
    const ratio = estimate(body.bytes, body.spans) / countTokens(`${text} `.repeat(37))
    expect(ratio).toBeGreaterThan(0.75)
    expect(ratio).toBeLessThan(1.25)
  })

  it('takes what looks like a special token for text, and counts little text whole', async () => {
    const estimate = await loadSampledTokens()
    const { bytes, spans } = said('a <|endoftext|> b')
    expect(estimate(bytes, spans)).toBeGreaterThan(3)
    expect(estimate(bytes, [])).toBe(0)
  })
})

describe('tokenRatio', () => {
  it('is the median of counted over estimated', () => {
    expect(tokenRatio([100, 100, 100], [110, 120, 9_000])).toBe(1.2)
    expect(tokenRatio([100, 200], [100, 300])).toBe(1.25)
  })

  it('is 1 without evidence, and never beyond what tokenizers differ by', () => {
    expect(tokenRatio([], [])).toBe(1)
    expect(tokenRatio([0, 5], [3, 0])).toBe(1)
    expect(tokenRatio([1], [1_000])).toBe(4)
    expect(tokenRatio([1_000], [1])).toBe(0.25)
  })
})
