import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readerFor } from '../../src/dialects/answer-reader.ts'
import { openaiUsage } from '../../src/dialects/openai-usage.ts'
import type { Api } from '../../src/domain/request.ts'
import { inputTokens, outputTokens, type Usage } from '../../src/domain/usage.ts'

const APIS: readonly Api[] = ['chat_completions', 'completions', 'responses', 'embeddings', 'messages', 'count_tokens']
const NAMES: readonly string[] = [
  'message',
  'error',
  'message_start',
  'message_delta',
  'content_block_start',
  'content_block_delta',
  'response.created',
  'response.completed',
  'response.failed',
  'response.output_item.added',
  'response.x.delta',
]
const tokens = fc.nat(2_000_000)
const CONTEXT = { serviceTier: undefined, webSearchRequests: 0, isPartial: false }

function bucketsOf(usage: Usage): number[] {
  return [
    usage.uncachedInputTokens,
    usage.cacheReadTokens,
    usage.cacheWrite5mTokens,
    usage.cacheWrite1hTokens,
    usage.audioInputTokens,
    usage.textOutputTokens,
    usage.reasoningTokens,
    usage.audioOutputTokens,
    usage.webSearchRequests,
  ]
}

function expectSane(usage: Usage): void {
  for (const count of bucketsOf(usage)) expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
}

/** Details of any size: also such as exceed the whole that they are said to be part of. */
const openaiDetails = fc.record(
  {
    cached_tokens: tokens,
    audio_tokens: tokens,
    cache_write_tokens: tokens,
    cache_write_tokens_details: fc.record({ ttl_12h_tokens: tokens, ttl_30m_tokens: tokens }),
  },
  { requiredKeys: [] },
)

describe('OpenAI usage', () => {
  it('sums to the provider’s own totals, whatever its details claim', () => {
    const usage = fc.record({
      input: tokens,
      output: tokens,
      inputDetails: openaiDetails,
      outputDetails: fc.record({ reasoning_tokens: tokens, audio_tokens: tokens }, { requiredKeys: [] }),
      isResponses: fc.boolean(),
    })
    fc.assert(
      fc.property(usage, ({ input, output, inputDetails, outputDetails, isResponses }) => {
        const [inputName, outputName] = isResponses ? ['input', 'output'] : ['prompt', 'completion']
        const read = openaiUsage(
          {
            [`${inputName}_tokens`]: input,
            [`${outputName}_tokens`]: output,
            total_tokens: input + output,
            [`${inputName}_tokens_details`]: inputDetails,
            [`${outputName}_tokens_details`]: outputDetails,
          },
          CONTEXT,
        )
        if (read === undefined) throw new Error('nothing was read')
        expectSane(read)
        expect(inputTokens(read)).toBe(input)
        expect(outputTokens(read)).toBe(output)
        expect(read).toMatchObject({ providerInputTokens: input, providerOutputTokens: output, isPartial: false })
      }),
    )
  })

  it('counts reasoning that the total has and the output has not, once', () => {
    fc.assert(
      fc.property(
        tokens,
        tokens,
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.boolean(),
        (input, output, reasoning, isStated) => {
          const read = openaiUsage(
            {
              prompt_tokens: input,
              completion_tokens: output,
              total_tokens: input + output + reasoning,
              ...(isStated ? { completion_tokens_details: { reasoning_tokens: reasoning } } : {}),
            },
            CONTEXT,
          )
          expect(read).toMatchObject({
            textOutputTokens: output,
            reasoningTokens: reasoning,
            providerOutputTokens: output,
          })
        },
      ),
    )
  })

  it('infers a missing side from the total, and is partial where there is none', () => {
    expect(openaiUsage({ prompt_tokens: 10, total_tokens: 15 }, CONTEXT)).toMatchObject({
      textOutputTokens: 5,
      isPartial: false,
    })
    expect(openaiUsage({ completion_tokens: 5, total_tokens: 15 }, CONTEXT)).toMatchObject({
      uncachedInputTokens: 10,
      isPartial: false,
    })
    expect(openaiUsage({ prompt_tokens: 10, completion_tokens: -1 }, CONTEXT)).toMatchObject({
      textOutputTokens: 0,
      isPartial: true,
    })
    expect(openaiUsage({ total_tokens: 15 }, CONTEXT)).toBeUndefined()
  })
})

describe('Anthropic usage', () => {
  const stated = fc.record({
    input_tokens: tokens,
    output_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
    cache_creation: fc.record({ ephemeral_5m_input_tokens: tokens, ephemeral_1h_input_tokens: tokens }),
    output_tokens_details: fc.record({ thinking_tokens: tokens }),
  })

  it('keeps what the cache read and wrote beside the input, and thinking inside the output', () => {
    fc.assert(
      fc.property(stated, (usage) => {
        const read = readBody('messages', { type: 'message', content: [{ type: 'text', text: 'x' }], usage })
        if (read === undefined) throw new Error('nothing was read')
        expectSane(read)
        expect(inputTokens(read)).toBe(
          usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
        )
        expect(outputTokens(read)).toBe(usage.output_tokens)
        expect(read.uncachedInputTokens).toBe(read.providerInputTokens)
      }),
    )
  })

  it('adds up to its parts where a call was split, and to no less than the top level', () => {
    const entry = fc.record({
      type: fc.constantFrom('message', 'advisor_message', 'compaction', 'fallback_message', 'something_new'),
      model: fc.constantFrom(null, 'claude-opus-4-8', 'claude-sonnet-4-6'),
      input_tokens: tokens,
      output_tokens: fc.integer({ min: 1, max: 1000 }),
    })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), tokens, tokens, (iterations, input, output) => {
        const usage = { input_tokens: input, output_tokens: output, iterations }
        const read = readBody('messages', { model: 'claude-opus-4-8', content: [{ type: 'text', text: 'x' }], usage })
        if (read === undefined) throw new Error('nothing was read')
        expectSane(read)
        const sum = (of: (part: Usage) => number): number =>
          read.parts.reduce((total, part) => total + of(part.usage), 0)
        expect(inputTokens(read)).toBe(sum(inputTokens))
        expect(outputTokens(read)).toBe(sum(outputTokens))
        expect(inputTokens(read)).toBeGreaterThanOrEqual(input)
        expect(outputTokens(read)).toBeGreaterThanOrEqual(output)
      }),
    )
  })
})

describe('every reader', () => {
  const keys = [
    'usage',
    'choices',
    'delta',
    'response',
    'message',
    'error',
    'type',
    'model',
    'id',
    'content',
    'index',
  ].concat([
    'input_tokens',
    'output_tokens',
    'prompt_tokens',
    'iterations',
    'content_block',
    'output',
    'cache_creation',
  ])
  const junk = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, -1, 1.5, 1e300, '', 'message_start', 'response.completed', 'error'),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
    ),
  })).value
  const data = fc.oneof(
    fc.string(),
    junk.map((value) => JSON.stringify(value) ?? ''),
  )
  const name = fc.constantFrom(undefined, ...NAMES)

  it('is total: no event and no body makes it throw, or count what is no count', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...APIS),
        fc.array(fc.tuple(name, data), { maxLength: 8 }),
        data,
        (api, events, body) => {
          const streamed = readerFor(api)
          for (const [event, text] of events) streamed?.event({ event, data: text })
          const whole = readerFor(api)
          whole?.body(Buffer.from(body))
          const usages = [true, false].flatMap((isCut) => [streamed?.answer(isCut).usage, whole?.answer(isCut).usage])
          for (const usage of usages) if (usage !== undefined) expectSane(usage)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('never keeps an error’s message', () => {
    const secret = 'the prompt was: hello world'
    for (const api of APIS) {
      for (const body of [
        { error: secret },
        { error: { type: secret, message: secret } },
        { type: 'error', code: secret },
      ]) {
        const reader = readerFor(api)
        reader?.event({ event: 'error', data: JSON.stringify(body) })
        expect(JSON.stringify(reader?.answer(false))).not.toContain('hello')
        const whole = readerFor(api)
        whole?.body(Buffer.from(JSON.stringify(body)))
        expect(JSON.stringify(whole?.answer(false))).not.toContain('hello')
      }
    }
  })
})

function readBody(api: Api, body: unknown): Usage | undefined {
  const reader = readerFor(api)
  reader?.body(Buffer.from(JSON.stringify(body)))
  return reader?.answer(false).usage
}
