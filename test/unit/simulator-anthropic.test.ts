import Anthropic from '@anthropic-ai/sdk'
import AnthropicZero from 'anthropic-sdk-0'
import { describe, expect, it } from 'vitest'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { aModel } from '../../src/simulator/model.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator({ models: [...DEFAULT_CATALOGUE, aModel('sure', { quality: 1 })] })
const client = (): Anthropic => new Anthropic({ apiKey: 'sk-ant-test', baseURL: simulator().url, maxRetries: 0 })
const older = (): AnthropicZero => new AnthropicZero({ apiKey: 'sk-ant-test', baseURL: simulator().url, maxRetries: 0 })

const ask = { model: 'sure', max_tokens: 2048, messages: [{ role: 'user' as const, content: 'What is 17 + 25?' }] }
const weather = {
  name: 'get_weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
}

describe('messages, with the Anthropic SDK 1.x', () => {
  it('answers with the same content streamed and whole, and the same usage', async () => {
    const whole = await client().messages.create(ask)
    const streamed = await client().messages.stream(ask).finalMessage()
    expect(whole.content).toEqual([{ type: 'text', text: expect.stringContaining('42') }])
    expect(streamed.content).toMatchObject(whole.content)
    expect(streamed.usage).toMatchObject({
      input_tokens: whole.usage.input_tokens,
      output_tokens: whole.usage.output_tokens,
    })
    expect(streamed.stop_reason).toBe('end_turn')
    expect(simulator().requests().at(-1)?.header('authorization')).toBeDefined()
  })

  it('splits the usage over the first event and the last but one, with a ping between', async () => {
    const stream = await client().messages.create({ ...ask, stream: true })
    const events = []
    for await (const event of stream) events.push(event)
    const types = events.map(({ type }) => type)
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    const [first, last] = [events[0], events.at(-2)]
    if (first?.type !== 'message_start' || last?.type !== 'message_delta')
      throw new Error('expected usage in message_start and message_delta')
    expect(first.message.usage).toMatchObject({ input_tokens: last.usage.input_tokens, output_tokens: 1 })
    expect(last.usage.output_tokens).toBeGreaterThan(1)
  })

  it('signs thinking, takes it back untouched and refuses it changed', async () => {
    const thinking = { type: 'enabled' as const, budget_tokens: 1024 }
    const first = await client()
      .messages.stream({ ...ask, thinking })
      .finalMessage()
    const [thought] = first.content
    if (thought?.type !== 'thinking') throw new Error('expected a thinking block first')
    expect(first.usage.output_tokens).toBeGreaterThan(16)
    const again = (block: typeof thought): Promise<unknown> =>
      client().messages.create({
        ...ask,
        thinking,
        messages: [...ask.messages, { role: 'assistant', content: [block] }, { role: 'user', content: 'And?' }],
      })
    await expect(again(thought)).resolves.toMatchObject({ type: 'message' })
    await expect(again({ ...thought, thinking: `${thought.thinking} ` })).rejects.toMatchObject({ status: 400 })
  })

  it('streams tool calls and answers in words after the result', async () => {
    const first = await client()
      .messages.stream({ ...ask, tools: [weather] })
      .finalMessage()
    const call = first.content.find((block) => block.type === 'tool_use')
    if (call === undefined) throw new Error('expected a tool call')
    expect(first.stop_reason).toBe('tool_use')
    expect(call.input).toEqual({ city: expect.any(String) })
    const result = {
      role: 'user' as const,
      content: [{ type: 'tool_result' as const, tool_use_id: call.id, content: 'sunny' }],
    }
    const turns = [...ask.messages, { role: 'assistant' as const, content: [call] }, result]
    const after = await client().messages.create({ ...ask, tools: [weather], messages: turns })
    expect(after.stop_reason).toBe('end_turn')
  })

  it('throws on an error event inside a stream that began well', async () => {
    const read = async (): Promise<void> => {
      const stream = await client().messages.create({ ...ask, stream: true }, { headers: { 'x-sim-fault': 'error@4' } })
      for await (const event of stream) expect(event.type).not.toBe('message_stop')
    }
    await expect(read()).rejects.toThrow(/overloaded_error/)
  })
})

describe('messages, with the Anthropic SDK 0.x', () => {
  it('answers with the same content streamed and whole, to a key in x-api-key', async () => {
    const whole = await older().messages.create(ask)
    const streamed = await older().messages.stream(ask).finalMessage()
    expect(streamed.content).toMatchObject(whole.content)
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens)
    expect(simulator().requests().at(-1)?.header('x-api-key')).toBe('sk-ant-test')
  })

  it('throws on an error event in the first frame', async () => {
    const stream = await older().messages.create({ ...ask, stream: true }, { headers: { 'x-sim-fault': 'error' } })
    const read = async (): Promise<void> => {
      for await (const event of stream) expect(event).toBeUndefined()
    }
    await expect(read()).rejects.toThrow(/overloaded_error/)
  })
})

describe('Anthropic particulars', () => {
  it('writes the cache where cache_control stands and reads it the next time, input apart', async () => {
    const system = [
      {
        type: 'text' as const,
        text: 'Rules. '.repeat(200),
        cache_control: { type: 'ephemeral' as const, ttl: '1h' as const },
      },
      { type: 'text' as const, text: 'More rules. '.repeat(100), cache_control: { type: 'ephemeral' as const } },
    ]
    const first = (await client().messages.create({ ...ask, system })).usage
    const second = (await client().messages.create({ ...ask, system })).usage
    expect(first.cache_creation?.ephemeral_1h_input_tokens).toBeGreaterThan(300)
    expect(first.cache_creation?.ephemeral_5m_input_tokens).toBeGreaterThan(250)
    expect(first.cache_read_input_tokens).toBe(0)
    expect(second.cache_creation_input_tokens).toBe(0)
    expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens)
    expect(second.input_tokens).toBe(first.input_tokens)
    expect(second.input_tokens).toBeLessThan(20)
  })

  it('counts tokens as it will bill them', async () => {
    const counted = await client().messages.countTokens({ model: ask.model, messages: ask.messages })
    const billed = await client().messages.create(ask)
    expect(counted.input_tokens).toBe(billed.usage.input_tokens)
  })

  it('follows a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    }
    const answer = await client().messages.create({
      ...ask,
      output_config: { format: { type: 'json_schema', schema } },
    })
    const [block] = answer.content
    expect(JSON.parse(block?.type === 'text' ? block.text : '')).toEqual({ city: expect.any(String) })
  })

  it('refuses with status 200, a stop reason and no words of its own, streamed and whole', async () => {
    const headers = { 'x-sim-fault': 'refusal' }
    const whole = await client().messages.create(ask, { headers })
    const streamed = await client().messages.stream(ask, { headers }).finalMessage()
    for (const answer of [whole, streamed]) expect(answer).toMatchObject({ stop_reason: 'refusal', content: [] })
  })

  it('lists its models only, by dated name', async () => {
    const ids = []
    for await (const { id } of client().models.list()) ids.push(id)
    expect(ids).toContain('claude-haiku-4-5-20251001')
    expect(ids.filter((id) => id.startsWith('gpt'))).toEqual([])
  })

  it('words its errors as the provider does', async () => {
    const error = await client()
      .messages.create({ ...ask, model: 'claude-nine' })
      .then(
        () => undefined,
        (cause: unknown) => cause,
      )
    if (!(error instanceof Anthropic.NotFoundError)) throw new Error('expected a NotFoundError')
    expect(error.error).toEqual({
      type: 'error',
      error: { type: 'not_found_error', message: 'model: claude-nine' },
      request_id: expect.stringMatching(/^req_011C\w{20}$/),
    })
    const limited = await client()
      .messages.create({ ...ask, model: 'sim-limited' })
      .then(
        () => undefined,
        (cause: unknown) => cause,
      )
    if (!(limited instanceof Anthropic.RateLimitError)) throw new Error('expected a RateLimitError')
    expect(limited.headers?.get('anthropic-ratelimit-requests-remaining')).toBe('0')
    expect(limited.headers?.get('anthropic-ratelimit-unified-status')).toBe('rejected')
  })
})
