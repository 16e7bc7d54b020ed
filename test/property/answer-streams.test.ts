import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readerFor } from '../../src/dialects/answer-reader.ts'
import { hasKey } from '../../src/dialects/json-value.ts'

/** Text that looks like what the readers look for. */
const content = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '{"usage":{"prompt_tokens":1}}',
    '"usage": {',
    'usage"',
    '\\"usage":{',
    '"finish_reason":"length"',
    '"error":{"type":"fake"}',
    '[DONE]',
    'message_stop',
  ),
)

/** Whether `value` has, somewhere in it, a member `usage` that is an object. */
function hasUsageObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(
    ([key, member]) =>
      (!Array.isArray(value) &&
        key === 'usage' &&
        typeof member === 'object' &&
        member !== null &&
        !Array.isArray(member)) ||
      hasUsageObject(member),
  )
}

it('tells a key from a string that looks like one, in any JSON and with any spacing', () => {
  const tree = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      content,
      fc.constantFrom(null, 0, 'usage'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('usage', 'usages', 'model'), tie('value'), { maxKeys: 3 }),
    ),
  })).value
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      expect(hasKey(JSON.stringify(value, undefined, space), 'usage"', '{')).toBe(hasUsageObject(value))
    }),
    { numRuns: 2000 },
  )
})

it('reads the usage of a chat stream from where it is, whatever the content says', () => {
  const usage = fc.record({ prompt_tokens: fc.nat(1e6), completion_tokens: fc.nat(1e6) })
  fc.assert(
    fc.property(fc.array(content, { minLength: 1, maxLength: 10 }), usage, fc.boolean(), (texts, stated, isSpaced) => {
      const reader = readerFor('chat_completions')
      const send = (choices: unknown[], more: object): unknown =>
        reader?.event({
          event: undefined,
          data: JSON.stringify({ id: 'c', model: 'm', choices, ...more }, undefined, isSpaced ? 1 : undefined),
        })
      for (const text of texts) send([{ index: 0, delta: { content: text }, finish_reason: null }], { usage: null })
      send([{ index: 0, delta: {}, finish_reason: 'stop' }], { usage: null })
      send([], { usage: stated })
      expect(reader?.event({ event: undefined, data: '[DONE]' })).toBe('terminal')
      expect(reader?.answer(false)).toMatchObject({
        finishReason: 'stop',
        errorType: undefined,
        usage: {
          providerInputTokens: stated.prompt_tokens,
          providerOutputTokens: stated.completion_tokens,
          isPartial: false,
        },
      })
    }),
  )
})

it('reads the usage of a message stream from its two halves, whatever the content says', () => {
  fc.assert(
    fc.property(fc.array(content, { maxLength: 10 }), fc.nat(1e6), fc.nat(1e6), (texts, input, output) => {
      const reader = readerFor('messages')
      const send = (type: string, rest: object): unknown =>
        reader?.event({ event: type, data: JSON.stringify({ type, ...rest }) })
      send('message_start', { message: { id: 'm', model: 'm', usage: { input_tokens: input, output_tokens: 1 } } })
      send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
      for (const text of texts) send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })
      send('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: output } })
      expect(send('message_stop', {})).toBe('terminal')
      expect(reader?.answer(false)).toMatchObject({
        finishReason: 'end_turn',
        usage: { uncachedInputTokens: input, textOutputTokens: Math.max(1, output), isPartial: false },
      })
    }),
  )
})

it('reads model and usage of embeddings without their vectors, wherever these stand', () => {
  const usage = { prompt_tokens: 5, total_tokens: 5 }
  const vectors = [{ object: 'embedding', index: 0, embedding: [0.1, -0.2] }]
  for (const body of [
    { object: 'list', data: vectors, model: 'm', usage },
    { model: 'm', usage, object: 'list', data: [] },
    { model: 'm', data: vectors, usage: { ...usage, details: [] } },
    { id: '"data":[', model: 'm', usage, data: 'no vectors' },
  ]) {
    const reader = readerFor('embeddings')
    reader?.body(Buffer.from(JSON.stringify(body)))
    expect(reader?.answer(false)).toMatchObject({ model: 'm', usage: { uncachedInputTokens: 5, isPartial: false } })
  }
})
