import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBody, withUsageAsked } from '../../src/dialects/read-body.ts'

const options = fc.option(
  fc.oneof(
    fc.constant(null),
    fc.record({ include_obfuscation: fc.boolean(), include_usage: fc.boolean() }, { requiredKeys: [] }),
  ),
  { nil: undefined },
)
const body = fc.record(
  {
    model: fc.string({ unit: 'grapheme' }),
    stream: fc.constant(true),
    messages: fc.array(fc.record({ content: fc.string() })),
    stream_options: options,
  },
  { requiredKeys: ['model', 'stream'] },
)

describe('withUsageAsked', () => {
  it('asks for usage and leaves everything else as it was, for any body', () => {
    fc.assert(
      fc.property(body, fc.constantFrom(0, 2), (asked, indent) => {
        const bytes = Buffer.from(JSON.stringify(asked, undefined, indent))
        const injects = readBody('chat_completions', bytes, true).shape.injectsUsage
        expect(injects).toBe(asked.stream_options?.include_usage !== true)
        if (!injects) return
        expect(JSON.parse(withUsageAsked(bytes).toString())).toEqual({
          ...asked,
          stream_options: { ...asked.stream_options, include_usage: true },
        })
      }),
    )
  })

  it('is never wanted where the provider does not know it, on plain answers, or on other APIs', () => {
    const stream = Buffer.from('{"model":"m","stream":true}')
    expect(readBody('chat_completions', stream, false).shape.injectsUsage).toBe(false)
    expect(readBody('responses', stream, true).shape.injectsUsage).toBe(false)
    expect(readBody('messages', stream, true).shape.injectsUsage).toBe(false)
    expect(readBody('chat_completions', Buffer.from('{"model":"m","stream":false}'), true).shape.injectsUsage).toBe(
      false,
    )
  })
})

describe('readBody', () => {
  it('reads model, stream, end user and conversation of each dialect', () => {
    const chat = readBody(
      'chat_completions',
      Buffer.from(
        '{"stream":true,"model":"gpt","user":"u1","safety_identifier":"s1","prompt_cache_key":"k","tools":[{}]}',
      ),
      false,
    )
    expect(chat).toMatchObject({
      model: 'gpt',
      isStream: true,
      shape: { endUser: 's1', conversation: 'k', hasTools: true },
    })
    const messages = readBody(
      'messages',
      Buffer.from('{"model":"claude","metadata":{"user_id":"u2"},"tools":[]}'),
      false,
    )
    expect(messages).toMatchObject({ model: 'claude', isStream: false, shape: { endUser: 'u2', hasTools: false } })
    const responses = readBody(
      'responses',
      Buffer.from('{"model":"gpt","conversation":{"id":"conv_1"},"previous_response_id":"r"}'),
      false,
    )
    expect(responses.shape.conversation).toBe('conv_1')
  })

  // Structured output of the Responses API was not seen at all, and Anthropic's mere effort was taken for it.
  it.each([
    ['{"response_format":{"type":"json_schema","json_schema":{}}}', true],
    ['{"response_format":{"type":"json_object"}}', true],
    ['{"response_format":{"type":"text"}}', false],
    ['{"response_format":null}', false],
    ['{"text":{"format":{"type":"json_schema","schema":{}}}}', true],
    ['{"text":{"verbosity":"low"}}', false],
    ['{"text":{"format":{"type":"text"}}}', false],
    ['{"text":"format"}', false],
    ['{"output_format":{"type":"json_schema","schema":{}}}', true],
    ['{"output_config":{"format":{"type":"json_schema","schema":{}}}}', true],
    ['{"output_config":{"effort":"low"}}', false],
    ['{"generationConfig":{"responseSchema":{"type":"OBJECT"}}}', true],
    ['{"generation_config":{"response_json_schema":{}}}', true],
    ['{"generationConfig":{"temperature":1}}', false],
    ['{"tools":[{"input_schema":{}}]}', false],
  ])('%s asks for structured output: %s', (body, hasSchema) => {
    expect(readBody('responses', Buffer.from(body), false).shape).toMatchObject({ hasSchema })
  })

  it('says why a body could not be read, and judges nothing', () => {
    for (const text of ['', 'null', '[1]', '{"model":', '{"a" "b"}', '\u0000']) {
      expect(readBody('chat_completions', Buffer.from(text), true)).toMatchObject({
        model: undefined,
        shape: { unreadable: 'not_json' },
      })
    }
    expect(readBody('chat_completions', Buffer.from('{"model":7,"stream":"yes"}'), true)).toMatchObject({
      model: undefined,
      isStream: false,
      shape: { unreadable: undefined },
    })
  })
})
