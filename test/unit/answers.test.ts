import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { describe, expect, it } from 'vitest'
import type { Answer, EventMeaning } from '../../src/dialects/answer.ts'
import { createArraySplitter } from '../../src/dialects/array-splitter.ts'
import { readerFor } from '../../src/dialects/answer-reader.ts'
import { createEventSplitter } from '../../src/dialects/event-splitter.ts'
import { inputTokens, outputTokens } from '../../src/domain/usage.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { type AnswerFixture, loadAnswers, PRICED_AT } from '../fixtures/answers/load.ts'

const ANSWERS = loadAnswers()
const book = createPriceBook({ prices: [], providers: new Map() })

/** `mayEnd`: whether nothing of the stream is missing. */
type Read = { readonly answer: Answer; readonly meanings: readonly EventMeaning[]; readonly mayEnd: boolean }

function read(fixture: AnswerFixture, chunkBytes = fixture.bytes.length): Read {
  const reader = readerFor(fixture.api)
  if (reader === undefined) throw new Error(`no reader for ${fixture.api}`)
  const meanings: EventMeaning[] = []
  if (!fixture.isStream) {
    reader.body(fixture.bytes)
    return { answer: reader.answer(false), meanings, mayEnd: true }
  }
  const text = new StringDecoder('utf8')
  const splitter = fixture.isArray
    ? createArraySplitter((data) => meanings.push(reader.event({ event: undefined, data })))
    : createEventSplitter((event) => meanings.push(reader.event(event)))
  for (let at = 0; at < fixture.bytes.length; at += chunkBytes) {
    splitter.feed(text.write(fixture.bytes.subarray(at, at + chunkBytes)))
  }
  const mayEnd = meanings.includes('terminal') || (reader.mayEnd?.() === true && splitter.isClosed())
  return { answer: reader.answer(!mayEnd), meanings, mayEnd }
}

/** The sum of products that the table writes down, evaluated apart from all code under test. */
function sumOfProducts(how: string): bigint {
  return how.split(' + ').reduce((sum, product) => {
    const [tokens = '', rate = ''] = product.replaceAll('_', '').split('×')
    return sum + BigInt(tokens) * BigInt(rate)
  }, 0n)
}

describe.each(ANSWERS.map((fixture) => [fixture.file, fixture] as const))('%s', (_, fixture) => {
  it('is read as the table says', () => {
    expect(read(fixture).answer).toEqual({
      model: fixture.model,
      responseId: fixture.id,
      finishReason: fixture.finish,
      errorType: fixture.errorType,
      usage: fixture.usage,
    })
  })

  it('costs what was worked out by hand, to the pico-dollar', () => {
    const { answer } = read(fixture)
    const cost = book.price({
      provider: fixture.provider,
      model: answer.model ?? '',
      usage: answer.usage,
      at: PRICED_AT,
    })
    expect(cost.kind === 'priced' ? cost.picoUsd : cost.why).toBe(fixture.cost)
    const worked = fixture.how === undefined ? 'unpriced' : sumOfProducts(fixture.how)
    expect(worked).toBe(typeof fixture.cost === 'string' ? 'unpriced' : fixture.cost)
  })
})

const STREAMS = ANSWERS.filter((fixture) => fixture.isStream)

describe.each(STREAMS.map((fixture) => [fixture.file, fixture] as const))('%s, streamed', (_, fixture) => {
  it('shows its first token and its end, however its bytes are split', () => {
    const whole = read(fixture)
    expect(whole.meanings.indexOf('token')).toBe(fixture.firstToken ?? -1)
    expect(whole.mayEnd).toBe(fixture.ends === 'terminal')
    expect(whole.meanings.includes('error')).toBe(fixture.ends === 'error')
    for (const chunkBytes of [1, 2, 3, 7, 64]) expect(read(fixture, chunkBytes)).toEqual(whole)
  })
})

describe('the table', () => {
  it('holds every file of its directory, once', () => {
    const files = readdirSync(join(import.meta.dirname, '../fixtures/answers')).filter((name) => !name.endsWith('.ts'))
    expect(ANSWERS.map((fixture) => fixture.file).toSorted()).toEqual(files.toSorted())
    expect(files.length).toBeGreaterThanOrEqual(40)
  })

  it('never counts a token twice: where OpenAI states totals, the buckets sum to them', () => {
    const stated = ANSWERS.filter((fixture) => fixture.provider === 'openai' && fixture.usage !== undefined)
    expect(stated.length).toBeGreaterThan(20)
    for (const { usage } of stated) {
      if (usage === undefined) continue
      expect(inputTokens(usage)).toBe(usage.providerInputTokens)
      expect(outputTokens(usage)).toBe(usage.providerOutputTokens)
    }
  })

  it('never counts a token twice: where Gemini states a total, the buckets sum to it', () => {
    const totals = ANSWERS.filter(({ provider }) => provider === 'gemini').map(
      (fixture) => [fixture.usage, /.*"totalTokenCount": ?(\d+)/s.exec(fixture.bytes.toString('utf8'))?.[1]] as const,
    )
    const stated = totals.filter(([, total]) => total !== undefined)
    expect(stated.length).toBeGreaterThan(25)
    for (const [usage, total] of stated) {
      if (usage === undefined) throw new Error('a total without a usage')
      expect(inputTokens(usage) + outputTokens(usage)).toBe(Number(total))
    }
  })

  it('splits a call into parts that sum to it', () => {
    const split = ANSWERS.flatMap(({ provider, usage }) =>
      provider === 'gemini' && usage?.parts.length ? [usage] : [],
    )
    expect(split.length).toBeGreaterThanOrEqual(3)
    for (const usage of split) {
      const sum = (count: typeof inputTokens): number =>
        usage.parts.reduce((total, part) => total + count(part.usage), 0)
      expect(sum(inputTokens)).toBe(inputTokens(usage))
      expect(sum(outputTokens)).toBe(outputTokens(usage))
    }
  })

  it('agrees with what xAI billed, in ticks of 100 pico-dollars', () => {
    const billed = ANSWERS.map(
      (fixture) => [fixture, /"cost_in_usd_ticks":(\d+)/.exec(fixture.bytes.toString('utf8'))?.[1]] as const,
    )
    const withBill = billed.filter(([, ticks]) => ticks !== undefined)
    expect(withBill).toHaveLength(3)
    for (const [fixture, ticks] of withBill) expect(fixture.cost).toBe(BigInt(ticks ?? 0) * 100n)
  })
})
