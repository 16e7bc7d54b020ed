import { FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai'
import { describe, expect, it } from 'vitest'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { aModel } from '../../src/simulator/model.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator({ models: [...DEFAULT_CATALOGUE, aModel('sure', { quality: 1 })] })
const client = (headers: Record<string, string> = {}): GoogleGenAI =>
  new GoogleGenAI({ apiKey: 'AIza-test', httpOptions: { baseUrl: simulator().url, headers } })

const ask = { model: 'sure', contents: 'What is 17 + 25?' }
const weather = {
  name: 'get_weather',
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

function rest(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(simulator().url + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

const contents = [{ parts: [{ text: 'What is 17 + 25?' }] }]

describe('generateContent, with the Gemini SDK', () => {
  it('answers with the same text streamed and whole, and the same usage in the end', async () => {
    const whole = await client().models.generateContent(ask)
    const chunks = await all(await client().models.generateContentStream(ask))
    expect(whole.text).toContain('42')
    expect(chunks.map((chunk) => chunk.text ?? '').join('')).toBe(whole.text)
    expect(chunks.at(-1)?.usageMetadata).toEqual(whole.usageMetadata)
    expect(whole.candidates?.[0]?.finishReason).toBe('STOP')
    expect(whole.modelVersion).toBe('sure')
    expect(whole.responseId).toHaveLength(23)
  })

  it('counts usage on every chunk, a little more each time, and finishes on a chunk without text', async () => {
    const chunks = await all(await client().models.generateContentStream(ask))
    const counts = chunks.map((chunk) => chunk.usageMetadata?.candidatesTokenCount ?? 0)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect(new Set(counts).size).toBeGreaterThan(3)
    expect(chunks.map((chunk) => chunk.candidates?.[0]?.finishReason).filter(Boolean)).toEqual(['STOP'])
    expect(chunks.at(-1)?.candidates?.[0]?.content?.parts).toEqual([{ text: '' }])
  })

  it('thinks unseen, and shows its thoughts where asked, counted apart from the answer', async () => {
    const hidden = await client().models.generateContent({ ...ask, model: 'sim-reasoning' })
    const shown = await client().models.generateContent({
      ...ask,
      model: 'sim-reasoning',
      config: { thinkingConfig: { includeThoughts: true } },
    })
    expect(hidden.candidates?.[0]?.content?.parts?.some((part) => part.thought)).toBe(false)
    expect(shown.candidates?.[0]?.content?.parts?.[0]?.thought).toBe(true)
    const {
      promptTokenCount = 0,
      candidatesTokenCount = 0,
      thoughtsTokenCount = 0,
      totalTokenCount,
    } = shown.usageMetadata ?? {}
    expect(thoughtsTokenCount).toBe(64)
    expect(totalTokenCount).toBe(promptTokenCount + candidatesTokenCount + thoughtsTokenCount)
  })

  it('calls a tool, whole and streamed alike, and answers in words after its result', async () => {
    const config = {
      tools: [{ functionDeclarations: [weather] }],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
    }
    const called = await client().models.generateContent({ ...ask, config })
    const streamed = await all(await client().models.generateContentStream({ ...ask, config }))
    expect(called.functionCalls).toEqual([{ name: 'get_weather', args: { city: expect.any(String) } }])
    expect(streamed.flatMap((chunk) => chunk.functionCalls ?? [])).toEqual(called.functionCalls)
    const after = await client().models.generateContent({
      model: 'sure',
      contents: [
        { role: 'user', parts: [{ text: 'What is 17 + 25?' }] },
        { role: 'model', parts: [{ functionCall: { name: 'get_weather', args: { city: 'Rome' } } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'get_weather', response: { sky: 'clear' } } }] },
      ],
      config: { tools: [{ functionDeclarations: [weather] }] },
    })
    expect(after.text?.length).toBeGreaterThan(0)
  })

  it('follows a response schema, in Gemini upper case types', async () => {
    const answer = await client().models.generateContent({
      ...ask,
      config: {
        responseMimeType: 'application/json',
        responseSchema: {
          type: Type.OBJECT,
          properties: { answer: { type: Type.STRING }, sure: { type: Type.BOOLEAN } },
        },
      },
    })
    expect(JSON.parse(answer.text ?? '')).toEqual({ answer: '42', sure: expect.any(Boolean) })
  })

  it('gives as many candidates as asked for, each with its own finish', async () => {
    const chunks = await all(await client().models.generateContentStream({ ...ask, config: { candidateCount: 2 } }))
    const finished = chunks.flatMap((chunk) => chunk.candidates ?? []).filter((candidate) => candidate.finishReason)
    expect(finished.map((candidate) => candidate.index)).toEqual([0, 1])
  })

  it('stops at maxOutputTokens, and says so', async () => {
    const answer = await client().models.generateContent({ ...ask, config: { maxOutputTokens: 3 } })
    expect(answer.candidates?.[0]?.finishReason).toBe('MAX_TOKENS')
    expect(answer.usageMetadata?.candidatesTokenCount).toBe(3)
  })

  it('refuses a prompt with status 200 and no candidate', async () => {
    const answer = await client({ 'x-sim-fault': 'refusal' }).models.generateContent(ask)
    expect(answer.promptFeedback?.blockReason).toBe('PROHIBITED_CONTENT')
    expect(answer.candidates).toBeUndefined()
    expect(answer.usageMetadata?.candidatesTokenCount).toBeUndefined()
  })

  it('counts and embeds', async () => {
    expect((await client().models.countTokens(ask)).totalTokens).toBe(4)
    const embedded = await client().models.embedContent({
      model: 'sim-embedding',
      contents: ['hello', 'world'],
      config: { outputDimensionality: 8 },
    })
    expect(embedded.embeddings?.map(({ values }) => values?.length)).toEqual([8, 8])
    const single = await rest('/v1beta/models/sim-embedding:embedContent?key=k', {
      content: { parts: [{ text: 'hello' }] },
    })
    expect(await single.json()).toMatchObject({
      embedding: { values: { length: 3072 } },
      usageMetadata: { promptTokenCount: 2 },
    })
  })

  it('reads a long prompt from its cache the second time', async () => {
    const long = { model: 'sure', contents: `${'word '.repeat(2000)} What is 17 + 25?` }
    await client().models.generateContent(long)
    const { usageMetadata } = await client().models.generateContent(long)
    expect(usageMetadata?.cachedContentTokenCount).toBeGreaterThan(1024)
    expect(usageMetadata?.promptTokenCount).toBeGreaterThan(usageMetadata?.cachedContentTokenCount ?? Infinity)
  })
})

describe('its wire', () => {
  it('ends events with CRLF, and answers a stream without alt=sse with an array, pretty printed', async () => {
    const events = await rest('/v1beta/models/sure:streamGenerateContent?alt=sse&key=k', { contents })
    expect(events.headers.get('content-type')).toBe('text/event-stream')
    const frames = (await events.text()).split('\r\n\r\n')
    expect(frames.pop()).toBe('')
    expect(frames.every((frame) => frame.startsWith('data: {"candidates":'))).toBe(true)
    const array = await rest('/v1beta/models/sure:streamGenerateContent?key=k', { contents })
    expect(array.headers.get('content-type')).toBe('application/json; charset=UTF-8')
    const text = await array.text()
    expect(text.startsWith('[{\n  "candidates": [')).toBe(true)
    expect(JSON.parse(text)).toHaveLength(frames.length)
  })

  it('takes its key from a header or the query, and its model from the path, also as v1 and percent-encoded', async () => {
    expect((await rest('/v1/models/sure:generateContent?key=k', { contents })).status).toBe(200)
    expect((await rest('/v1beta/models/sure%3AgenerateContent', { contents }, { 'x-goog-api-key': 'k' })).status).toBe(
      200,
    )
    expect((await rest('/v1beta/models/sure:generateContent', { contents })).status).toBe(403)
    expect((await rest('/v1beta/models/nobody:generateContent?key=k', { contents })).status).toBe(404)
    expect((await rest('/v1beta/models/sim-embedding:generateContent?key=k', { contents })).status).toBe(404)
    expect((await rest('/v1beta/models/sure:generateContent?key=k', {})).status).toBe(400)
    const listed = await fetch(`${simulator().url}/v1beta/models?key=k`)
    expect(await listed.json()).toMatchObject({
      models: expect.arrayContaining([expect.objectContaining({ name: 'models/sure' })]),
    })
  })

  it('words errors as google.rpc.Status, in an array where a stream of an array was asked for', async () => {
    const fault = { 'x-sim-fault': 'status@429' }
    const whole = await rest('/v1beta/models/sure:generateContent?key=k', { contents }, fault)
    expect(whole.status).toBe(429)
    expect(await whole.json()).toMatchObject({
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: { length: 2 } },
    })
    const array = await rest('/v1beta/models/sure:streamGenerateContent?key=k', { contents }, fault)
    expect(await array.json()).toMatchObject([{ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }])
  })

  it('raises an error in mid-stream, in the SDK and in the array', async () => {
    const failing = { 'x-sim-fault': 'error@2' }
    const stream = await client(failing).models.generateContentStream(ask)
    await expect(all(stream)).rejects.toMatchObject({ name: 'ApiError', status: 503 })
    const array = await rest('/v1beta/models/sure:streamGenerateContent?key=k', { contents }, failing)
    expect(await array.json()).toMatchObject({ length: 3, 2: { error: { status: 'UNAVAILABLE' } } })
  })
})
