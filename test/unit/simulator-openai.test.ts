import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator({ models: [...DEFAULT_CATALOGUE, aModel('sure', { quality: 1 })] })
const client = (): OpenAI => new OpenAI({ apiKey: 'sk-test', baseURL: `${simulator().url}/v1`, maxRetries: 0 })

const question = 'What is 17 + 25?'
const messages = [{ role: 'user' as const, content: question }]
const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' } },
      required: ['city', 'days'],
    },
  },
}

describe('OpenAI chat completions, with the OpenAI SDK', () => {
  it('answers with the same text streamed and whole, and the same usage', async () => {
    const whole = await client().chat.completions.create({ model: 'sure', messages })
    expect(whole.choices[0]?.message.content).toContain('42')
    const stream = await client().chat.completions.create({
      model: 'sure',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]?.message.content,
    )
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks[0]?.id).not.toBe(whole.id)
  })

  it('streams tool calls whose arguments are the schema’s, and answers in words after the result', async () => {
    const runner = client().chat.completions.stream({ model: 'sim-plain', messages, tools: [weather] })
    const final = await runner.finalChatCompletion()
    const call = final.choices[0]?.message.tool_calls?.[0]
    if (call?.type !== 'function') throw new Error('expected a function call')
    expect(final.choices[0]?.finish_reason).toBe('tool_calls')
    expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String), days: expect.any(Number) })
    const after = await client().chat.completions.create({
      model: 'sim-plain',
      tools: [weather],
      messages: [
        ...messages,
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'sunny' },
      ],
    })
    expect(after.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } })
  })

  it('calls several tools at once when the question names them', async () => {
    const other = { ...weather, function: { ...weather.function, name: 'get_tides' } }
    const asked = [{ role: 'user' as const, content: 'Use get_weather and get_tides.' }]
    const final = await client()
      .chat.completions.stream({ model: 'sim-plain', messages: asked, tools: [weather, other] })
      .finalChatCompletion()
    const calls = final.choices[0]?.message.tool_calls?.map((call) =>
      call.type === 'function' ? call.function.name : '',
    )
    expect(calls).toEqual(['get_weather', 'get_tides'])
  })

  it('follows a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        tags: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
        nested: { $ref: '#/$defs/point' },
      },
      required: ['name', 'tags', 'nested'],
      $defs: { point: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
    }
    const answer = await client().chat.completions.create({
      model: 'sim-plain',
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'thing', schema } },
    })
    const value: unknown = JSON.parse(answer.choices[0]?.message.content ?? '')
    expect(value).toEqual({
      name: expect.any(String),
      tags: expect.arrayContaining([expect.stringMatching(/^[ab]$/)]),
      nested: { x: expect.any(Number) },
    })
  })

  it('gives n choices, each with a text of its own', async () => {
    const stream = await client().chat.completions.create({
      model: 'sim-plain',
      messages: [{ role: 'user', content: 'Tell me.' }],
      n: 3,
      stream: true,
    })
    const texts = ['', '', '']
    for await (const { choices } of stream)
      for (const choice of choices) texts[choice.index] += choice.delta.content ?? ''
    expect(new Set(texts).size).toBe(3)
    expect(texts).not.toContain('')
  })

  it('stops at the token limit and says so', async () => {
    const answer = await client().chat.completions.create({ model: 'sim-plain', messages, max_completion_tokens: 3 })
    expect(answer.choices[0]?.finish_reason).toBe('length')
    expect(answer.usage?.completion_tokens).toBe(3)
  })

  it('bills hidden reasoning and refuses max_tokens on reasoning models', async () => {
    const answer = await client().chat.completions.create({ model: 'sim-reasoning', messages })
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBe(64)
    expect(answer.usage?.completion_tokens).toBeGreaterThan(64)
    const refused = client().chat.completions.create({ model: 'sim-reasoning', messages, max_tokens: 9 })
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'max_tokens' })
  })

  it('reads long prompts from its cache the second time, in steps of 128 tokens', async () => {
    const long = [{ role: 'user' as const, content: 'All work and no play. '.repeat(300) }]
    const first = await client().chat.completions.create({ model: 'sim-plain', messages: long })
    const second = await client().chat.completions.create({ model: 'sim-plain', messages: long })
    expect(first.usage?.prompt_tokens_details?.cached_tokens).toBe(0)
    const cached = second.usage?.prompt_tokens_details?.cached_tokens ?? 0
    expect(cached).toBeGreaterThanOrEqual(1024)
    expect(cached % 128).toBe(0)
    expect(second.usage?.prompt_tokens).toBe(first.usage?.prompt_tokens)
  })

  it('refuses in the refusal field', async () => {
    const answer = await client().chat.completions.create(
      { model: 'sim-plain', messages },
      { headers: { 'x-sim-fault': 'refusal' } },
    )
    expect(answer.choices[0]?.message).toMatchObject({ content: null, refusal: expect.stringContaining("can't help") })
  })
})

describe('OpenAI responses, completions, embeddings and the rest, with the OpenAI SDK', () => {
  it('streams responses in numbered events that end with the whole response', async () => {
    const stream = await client().responses.create({ model: 'sure', input: question, stream: true })
    const events = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.slice(0, 4).map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
    ])
    const last = events.at(-1)
    if (last?.type !== 'response.completed') throw new Error(`expected response.completed, found ${last?.type}`)
    const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('')
    const whole = await client().responses.create({ model: 'sure', input: question })
    expect(text).toBe(whole.output_text)
    expect(last.response.usage).toEqual(whole.usage)
  })

  it('brings a reasoning item with a summary and sealed content when they are asked for', async () => {
    const answer = await client().responses.create({
      model: 'sim-reasoning',
      input: question,
      reasoning: { summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      store: false,
    })
    expect(answer.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect(answer.output[0]).toMatchObject({
      summary: [{ type: 'summary_text' }],
      encrypted_content: expect.any(String),
    })
    expect(answer.usage?.output_tokens_details.reasoning_tokens).toBe(64)
  })

  it('marks a response cut at the token limit as incomplete', async () => {
    const answer = await client().responses.create({ model: 'sim-plain', input: question, max_output_tokens: 2 })
    expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
  })

  it('streams function calls of the Responses API', async () => {
    const { name, parameters } = weather.function
    const stream = client().responses.stream({
      model: 'sim-plain',
      input: question,
      tools: [{ type: 'function', name, parameters, strict: true }],
    })
    const final = await stream.finalResponse()
    const call = final.output[0]
    if (call?.type !== 'function_call') throw new Error('expected a function call')
    expect(JSON.parse(call.arguments)).toEqual({ city: expect.any(String), days: expect.any(Number) })
  })

  it('completes text, streamed and whole', async () => {
    const whole = await client().completions.create({ model: 'sim-instruct', prompt: 'Once upon a time' })
    const stream = await client().completions.create({
      model: 'sim-instruct',
      prompt: 'Once upon a time',
      stream: true,
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? ''
    expect(text).toBe(whole.choices[0]?.text)
    expect(whole.choices[0]?.finish_reason).toBe('length')
  })

  it('embeds the same way in base64 and in floats, near texts near', async () => {
    const input = ['the cat sat on the mat', 'the cat lay on the mat', 'quarterly tax statement']
    const packed = await client().embeddings.create({ model: 'text-embedding-3-small', input })
    const floats = await client().embeddings.create({
      model: 'text-embedding-3-small',
      input,
      encoding_format: 'float',
    })
    expect(packed.data[0]?.embedding).toHaveLength(1536)
    expect(packed.data[0]?.embedding[7]).toBeCloseTo(floats.data[0]?.embedding[7] ?? 0, 6)
    const [first = [], second = [], third = []] = packed.data.map(({ embedding }) => embedding)
    const dot = (left: readonly number[], right: readonly number[]): number =>
      left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0)
    expect(dot(first, first)).toBeCloseTo(1, 4)
    expect(dot(first, second)).toBeGreaterThan(dot(first, third) + 0.3)
  })

  it('lists models, finds one, and takes files', async () => {
    const ids = (await client().models.list()).data.map(({ id }) => id)
    expect(ids).toContain('gpt-4o')
    expect(ids).not.toContain('claude-haiku-4-5')
    expect(await client().models.retrieve('gpt-4o')).toMatchObject({ id: 'gpt-4o', object: 'model' })
    const file = await client().files.create({
      file: new File(['{"a":1}\n{"b":"ü"}\n'], 'batch.jsonl'),
      purpose: 'batch',
    })
    expect(file).toMatchObject({ filename: 'batch.jsonl', purpose: 'batch', bytes: 19, object: 'file' })
  })
})

describe('OpenAI errors, as the OpenAI SDK sees them', () => {
  it('tells a missing key, a wrong body and an unknown model apart', async () => {
    await expect(client().chat.completions.create({ model: 'gpt-99', messages })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
    await expect(client().chat.completions.create({ model: 'claude-haiku-4-5', messages })).rejects.toMatchObject({
      status: 404,
    })
    await expect(client().chat.completions.create({ model: 'text-embedding-3-small', messages })).rejects.toMatchObject(
      { status: 404, param: 'model' },
    )
    await expect(client().chat.completions.create({ model: 'gpt-4o', messages: [] })).rejects.toMatchObject({
      status: 400,
      param: 'messages',
    })
  })

  it('limits the rate with the headers that SDKs read', async () => {
    const limited = client().chat.completions.create({ model: 'sim-limited', messages })
    const error = await limited.then(
      () => undefined,
      (cause: unknown) => cause,
    )
    if (!(error instanceof OpenAI.RateLimitError)) throw new Error('expected a RateLimitError')
    expect(error.code).toBe('rate_limit_exceeded')
    expect(error.headers?.get('retry-after')).toBe('1')
    expect(error.headers?.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(error.requestID).toMatch(/^req_\w{32}$/)
  })

  it('lets an SDK that tries again get through a fault that passes', async () => {
    simulator().setModel('sometimes', { faults: [{ fault: 'status@503', probability: 0.5 }] })
    const patient = new OpenAI({ apiKey: 'sk-test', baseURL: `${simulator().url}/v1`, maxRetries: 8 })
    for (let round = 0; round < 3; round += 1) {
      const answer = await patient.chat.completions.create({ model: 'sometimes', messages })
      expect(answer.choices[0]?.message.content).toBeTruthy()
    }
    const drawn = simulator().counters.faults.get('status@503') ?? 0
    expect(drawn).toBeGreaterThan(0)
  })
})
