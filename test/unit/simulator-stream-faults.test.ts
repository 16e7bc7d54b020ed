import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { aChat, aSimulator, eventData, post } from '../fakes/a-simulator.ts'

const simulator = aSimulator()
const chatUrl = (): string => `${simulator().url}/v1/chat/completions`
const streamed = aChat('What is 17 + 25?', { stream: true })

describe('faults in a stream', () => {
  it('cuts after exactly so many events, and the reader can tell', async () => {
    for (const fault of ['cut@3', 'reset@3']) {
      const response = await post(chatUrl(), streamed, fault)
      let text = ''
      const read = async (): Promise<void> => {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
      }
      await expect(read()).rejects.toThrow(/terminated/)
      expect(eventData(text)).toHaveLength(3)
    }
  })

  it('ends cleanly without the last event, which raw SDK iterators do not notice', async () => {
    const text = await (await post(chatUrl(), streamed, 'end@3')).text()
    expect(eventData(text)).toHaveLength(3)
    expect(text).not.toContain('[DONE]')
    const client = new Anthropic({ apiKey: 'x', baseURL: simulator().url, defaultHeaders: { 'x-sim-fault': 'end@4' } })
    const stream = await client.messages.create({
      model: 'sim-plain',
      max_tokens: 99,
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
    })
    const types = []
    for await (const { type } of stream) types.push(type)
    expect(types).not.toContain('message_stop')
  })

  it('falls silent in the middle', async () => {
    const leave = new AbortController()
    const response = await fetch(chatUrl(), {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'x-sim-fault': 'hang@2' },
      body: JSON.stringify(streamed),
      signal: leave.signal,
    })
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(eventData(Buffer.from(first?.value ?? []).toString())).toHaveLength(2)
    const silence = await Promise.race([
      reader?.read(),
      new Promise((resolve) => setTimeout(() => resolve('silence'), 150)),
    ])
    expect(silence).toBe('silence')
    leave.abort()
  })

  it('reports an error in the first frame, or later, with status 200', async () => {
    const first = await post(chatUrl(), streamed, 'error')
    expect(first.status).toBe(200)
    expect(eventData(await first.text())).toEqual([expect.stringMatching(/^\{"error":\{"message":/)])
    const later = eventData(await (await post(chatUrl(), streamed, 'error@3')).text())
    expect([later.length, later.at(-1)?.startsWith('{"error"')]).toEqual([4, true])
    const client = new OpenAI({
      apiKey: 'x',
      baseURL: `${simulator().url}/v1`,
      defaultHeaders: { 'x-sim-fault': 'error@2' },
    })
    for (const open of [
      (): Promise<AsyncIterable<unknown>> =>
        client.chat.completions.create({
          model: 'sim-plain',
          messages: [{ role: 'user', content: 'Hi' }],
          stream: true,
        }),
      (): Promise<AsyncIterable<unknown>> => client.responses.create({ model: 'sim-plain', input: 'Hi', stream: true }),
    ]) {
      const read = async (): Promise<void> => {
        for await (const event of await open()) expect(event).toBeDefined()
      }
      await expect(read()).rejects.toThrow(/server had an error|server_error/)
    }
  })

  it('breaks one frame', async () => {
    const client = new OpenAI({
      apiKey: 'x',
      baseURL: `${simulator().url}/v1`,
      defaultHeaders: { 'x-sim-fault': 'garbage@sse' },
      logLevel: 'off',
    })
    const read = async (): Promise<void> => {
      for await (const chunk of await client.chat.completions.create({
        model: 'sim-plain',
        messages: [{ role: 'user', content: 'Hi' }],
        stream: true,
      }))
        expect(chunk).toBeDefined()
    }
    await expect(read()).rejects.toThrow(/JSON/)
  })

  it('sends comments before the first event, which SDKs do not see', async () => {
    const text = await (await post(chatUrl(), streamed, 'heartbeat@3, ttft@60')).text()
    expect(text).toMatch(/^(: heartbeat\n\n){3}data: /)
    const client = new OpenAI({
      apiKey: 'x',
      baseURL: `${simulator().url}/v1`,
      defaultHeaders: { 'x-sim-fault': 'heartbeat@3, crlf' },
    })
    const stream = await client.chat.completions.create({
      model: 'sim-plain',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
    })
    let content = ''
    for await (const chunk of stream) content += chunk.choices[0]?.delta.content ?? ''
    expect(content).not.toBe('')
  })

  it('ends lines with CR LF', async () => {
    const text = await (await post(chatUrl(), streamed, 'crlf')).text()
    expect(text.match(/(?<!\r)\n/)).toBeNull()
    expect(text.endsWith('data: [DONE]\r\n\r\n')).toBe(true)
  })

  it('speaks in characters of many bytes, split anywhere, and they arrive whole', async () => {
    const plain = await (await post(chatUrl(), streamed, 'multibyte')).text()
    const split = await post(chatUrl(), streamed, 'multibyte, split@1')
    const chunks: Buffer[] = []
    for await (const chunk of split.body ?? []) chunks.push(Buffer.from(chunk))
    const content = (text: string): string =>
      [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('')
    expect(content(Buffer.concat(chunks).toString())).toBe(content(plain))
    expect(content(plain)).toMatch(/\p{Extended_Pictographic}/u)
    expect(chunks.length).toBeGreaterThan(50)
  })

  it('drips', async () => {
    const started = performance.now()
    const body = aChat('Hi', { stream: true, max_tokens: 1 })
    const bytes = (await (await post(chatUrl(), body, 'drip@2')).bytes()).length
    // A timer may fire a little early, never by half.
    expect(performance.now() - started).toBeGreaterThan((bytes / 16) * 2 * 0.5)
  })

  it('keeps the pace of the model', async () => {
    const started = performance.now()
    const text = await (await post(chatUrl(), streamed, 'latency@40, ttft@80, speed@200, tokens@20')).text()
    const tokens = eventData(text).length - 3
    expect(tokens).toBe(20)
    expect(performance.now() - started).toBeGreaterThan(80 + (tokens - 1) * 5 - 10)
  })
})

describe('a gigantic answer', () => {
  it('has the size that was asked for, whole and streamed, in every API', async () => {
    const bytes = 300_000
    const whole = await (await post(chatUrl(), aChat(), `gigantic@${bytes}`)).text()
    expect(JSON.parse(whole)).toMatchObject({
      choices: [{ message: { content: expect.stringMatching(new RegExp(`^[\\w ,.]{${bytes}}$`)) } }],
    })
    const stream = await (await post(chatUrl(), streamed, `gigantic@${bytes}`)).text()
    const content = eventData(stream)
      .slice(0, -1)
      .map((data) => /"content":"([^"]*)"/.exec(data)?.[1] ?? '')
      .join('')
    expect(content).toHaveLength(bytes)
    const responses = await (
      await post(
        `${simulator().url}/v1/responses`,
        { model: 'sim-plain', input: 'Hi', stream: true },
        `gigantic@${bytes}`,
      )
    ).text()
    expect(responses.length).toBeGreaterThan(5 * bytes)
    expect(() => eventData(responses).map((data): unknown => JSON.parse(data))).not.toThrow(SyntaxError)
  })

  it('waits for a slow reader instead of piling up in memory', async () => {
    const size = 256 * 1024 * 1024
    const response = await post(chatUrl(), aChat(), `gigantic@${size}`)
    const reader = response.body?.getReader()
    await reader?.read()
    const before = process.memoryUsage().rss
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(process.memoryUsage().rss - before).toBeLessThan(size / 4)
    await reader?.cancel()
  })
})
