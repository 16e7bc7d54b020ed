import fc from 'fast-check'
import { expect, it } from 'vitest'
import { geminiUsage } from '../../src/dialects/gemini-usage.ts'
import { readerFor } from '../../src/dialects/answer-reader.ts'
import { inputTokens, outputTokens } from '../../src/domain/usage.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const count = fc.nat(300_000)
const details = fc.array(
  fc.record({ modality: fc.constantFrom('TEXT', 'AUDIO', 'IMAGE', 'VIDEO', 'DOCUMENT'), tokenCount: fc.nat(400_000) }),
  { maxLength: 5 },
)
const context = { model: 'gemini-2.5-flash', webSearchRequests: 0, isPartial: false }

/** A usage that adds up as the API reference says, with details that need not. */
const honest = fc
  .record({
    prompt: count,
    candidates: count,
    thoughts: fc.option(count),
    tools: fc.option(count),
    cached: fc.nat(400_000),
  })
  .chain((parts) =>
    fc
      .record({ promptTokensDetails: details, cacheTokensDetails: details, candidatesTokensDetails: details })
      .map((more) => ({
        promptTokenCount: parts.prompt,
        candidatesTokenCount: parts.candidates,
        cachedContentTokenCount: parts.cached,
        ...(parts.thoughts === null ? {} : { thoughtsTokenCount: parts.thoughts }),
        ...(parts.tools === null ? {} : { toolUsePromptTokenCount: parts.tools }),
        totalTokenCount: parts.prompt + parts.candidates + (parts.thoughts ?? 0) + (parts.tools ?? 0),
        ...more,
      })),
  )

it('sums to the total that Gemini states, whatever the details claim, and its parts sum to it', () => {
  fc.assert(
    fc.property(honest, (raw) => {
      const usage = geminiUsage(raw, context)
      if (usage === undefined) throw new Error('no usage')
      expect(inputTokens(usage) + outputTokens(usage)).toBe(raw.totalTokenCount)
      const counts = [usage, ...usage.parts.map((part) => part.usage)].flatMap(({ parts: _parts, ...buckets }) =>
        Object.values(buckets).filter((value) => typeof value === 'number'),
      )
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(0)
      if (usage.parts.length === 0) return
      const sum = usage.parts.reduce((total, part) => total + inputTokens(part.usage) + outputTokens(part.usage), 0)
      expect(sum).toBe(raw.totalTokenCount)
    }),
    { numRuns: 1000 },
  )
})

it('makes something of any JSON without throwing, and a cost of it that is never negative', () => {
  const { price } = createPriceBook({ prices: [], providers: new Map() })
  const field = fc.constantFrom(
    'promptTokenCount',
    'candidatesTokenCount',
    'totalTokenCount',
    'thoughtsTokenCount',
    'cachedContentTokenCount',
    'promptTokensDetails',
    'serviceTier',
  )
  fc.assert(
    fc.property(
      fc.dictionary(field, fc.oneof(fc.jsonValue({ maxDepth: 3 }), count, details)),
      fc.jsonValue({ maxDepth: 4 }),
      (usageMetadata, candidates) => {
        const reader = readerFor('generate_content')
        reader?.event({
          event: undefined,
          data: JSON.stringify({ candidates, usageMetadata, modelVersion: 'gemini-2.5-flash' }),
        })
        const usage = reader?.answer(true).usage
        const cost = price({ provider: 'google', model: 'gemini-2.5-flash', usage, at: Date.UTC(2026, 10, 20) })
        expect(cost.kind === 'unpriced' || cost.picoUsd >= 0n).toBe(true)
      },
    ),
    { numRuns: 1000 },
  )
})
