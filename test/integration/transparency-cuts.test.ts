import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from 'anthropic-sdk-0'
import { streamText } from 'ai'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { CHAT_BEGUN, event, MESSAGE_BEGUN, RESPONSES_BEGUN } from '../fakes/begun-streams.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { chunk, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'

globalThis.AI_SDK_LOG_WARNINGS = false // about models that it does not know

const pair = aPair()

/** What a client got out of a stream: its text, and the name of the error that ended it. */
type Seen = { readonly text: string; readonly error: string | undefined }
type Client = { readonly begun: string; readonly ask: (url: string) => Promise<Seen> }

async function collected(parts: AsyncIterable<string>): Promise<Seen> {
  let text = ''
  try {
    for await (const part of parts) text += part
    return { text, error: undefined }
  } catch (error) {
    return { text, error: error instanceof Error ? error.constructor.name : String(error) }
  }
}

const prompt = [{ role: 'user' as const, content: 'hi' }]

const MESSAGE = { model: 'm', max_tokens: 9, messages: prompt, stream: true } as const

type TextEvent = { readonly type: string; readonly delta?: object }

/** Both versions of the SDK give the same events. */
async function* messageText(stream: PromiseLike<AsyncIterable<TextEvent>>): AsyncGenerator<string> {
  for await (const { delta } of await stream) yield delta !== undefined && 'text' in delta ? String(delta.text) : ''
}

/** The AI SDK reports errors as parts of its stream. */
async function* aiText(model: Parameters<typeof streamText>[0]['model']): AsyncGenerator<string> {
  const { fullStream } = streamText({ model, prompt: 'hi', maxRetries: 0, onError: () => undefined })
  for await (const part of fullStream) {
    if (part.type === 'text-delta') yield part.text
    else if (part.type === 'error')
      throw part.error instanceof Error ? part.error : new Error(JSON.stringify(part.error))
  }
}

const CLIENTS: readonly (readonly [string, Client])[] = [
  [
    'the OpenAI SDK (chat)',
    {
      begun: CHAT_BEGUN,
      ask: (url) =>
        collected(
          (async function* () {
            const client = new OpenAI({ apiKey: 'sk', baseURL: `${url}/v1`, maxRetries: 0 })
            for await (const part of await client.chat.completions.create({
              model: 'm',
              messages: prompt,
              stream: true,
            }))
              yield part.choices[0]?.delta.content ?? ''
          })(),
        ),
    },
  ],
  [
    'the OpenAI SDK (responses)',
    {
      begun: RESPONSES_BEGUN,
      ask: (url) =>
        collected(
          (async function* () {
            const client = new OpenAI({ apiKey: 'sk', baseURL: `${url}/v1`, maxRetries: 0 })
            for await (const part of await client.responses.create({ model: 'm', input: 'hi', stream: true }))
              yield part.type === 'response.output_text.delta' ? part.delta : ''
          })(),
        ),
    },
  ],
  [
    'the Anthropic SDK 1.x',
    {
      begun: MESSAGE_BEGUN,
      ask: (url) =>
        collected(messageText(new Anthropic({ apiKey: 'sk', baseURL: url, maxRetries: 0 }).messages.create(MESSAGE))),
    },
  ],
  [
    'the Anthropic SDK 0.x',
    {
      begun: MESSAGE_BEGUN,
      ask: (url) =>
        collected(messageText(new Anthropic0({ apiKey: 'sk', baseURL: url, maxRetries: 0 }).messages.create(MESSAGE))),
    },
  ],
  [
    'the AI SDK with OpenAI (responses)',
    {
      begun: RESPONSES_BEGUN,
      ask: (url) => collected(aiText(createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1` })('m'))),
    },
  ],
  [
    'the AI SDK with OpenAI (chat)',
    {
      begun: CHAT_BEGUN,
      ask: (url) => collected(aiText(createOpenAI({ apiKey: 'sk', baseURL: `${url}/v1` }).chat('m'))),
    },
  ],
  [
    'the AI SDK with Anthropic',
    {
      begun: MESSAGE_BEGUN,
      ask: (url) => collected(aiText(createAnthropic({ apiKey: 'sk', baseURL: `${url}/v1` })('m'))),
    },
  ],
]

/** How a provider may break off a stream that has begun. */
const CUTS: readonly (readonly [string, (call: RawCall) => void])[] = [
  ['the connection is closed', ({ socket }) => socket.end()],
  ['the connection is reset', ({ socket }) => socket.resetAndDestroy()],
]

describe.each(CLIENTS)('%s', (_name, client) => {
  it.each(CUTS)('sees an error when %s in mid-stream, after the same text as direct', async (_how, cut) => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(STREAM_HEAD + chunk(client.begun).toString())
      await new Promise((resolve) => setTimeout(resolve, 15)) // a reset may overtake bytes that are still on their way
      cut(call)
    })
    const direct = await client.ask(upstream.url)
    const [record, proxied] = await recordOf(() => client.ask(proxy.url))
    expect(direct).toMatchObject({ text: 'Hel', error: expect.any(String) })
    expect(proxied).toEqual(direct)
    expect(record).toMatchObject({ outcome: 'interrupted', error: 'upstream_cut', status: 200 })
    expect(record.attempts[0]?.outcome).toEqual({ kind: 'interrupted', status: 200, error: 'upstream_cut' })
    expect(record.attempts[0]?.firstTokenMs).toBeGreaterThan(0)
  })

  it('sees the same as direct when the provider ends its stream cleanly without the terminal event, and the record tells', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(client.begun), chunk()]))
    })
    const direct = await client.ask(upstream.url)
    const [record, proxied] = await recordOf(() => client.ask(proxy.url))
    expect(proxied).toEqual(direct)
    expect(record).toMatchObject({ outcome: 'interrupted', error: 'no_terminal_event' })
  })

  it('sees an error where only the closing connection ends a stream that has not said its last word', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      await call.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${client.begun}`)
      call.socket.end()
    })
    const [record, proxied] = await recordOf(() => client.ask(proxy.url))
    expect(proxied).toMatchObject({ text: 'Hel', error: expect.any(String) })
    expect(record).toMatchObject({ outcome: 'interrupted', error: 'no_terminal_event' })
  })

  it('sees an error when the connection is cut before the head', async () => {
    const { proxy, upstream, recordOf } = pair()
    upstream.serve(async (call) => {
      await call.body
      call.socket.destroy()
    })
    const [record, proxied] = await recordOf(() => client.ask(proxy.url))
    expect(proxied).toMatchObject({ text: '', error: expect.any(String) })
    expect(record).toMatchObject({ outcome: 'unavailable', error: 'upstream_reset', status: 502 })
    expect(record.attempts[0]?.outcome).toEqual({ kind: 'unavailable', error: 'upstream_reset', mayHaveRun: true })
  })

  it('sees the error that the provider puts into its stream', async () => {
    const { proxy, upstream, recordOf } = pair()
    const error =
      client.begun === CHAT_BEGUN
        ? 'data: {"error":{"message":"boom","type":"server_error","code":null,"param":null}}\n\n'
        : client.begun === MESSAGE_BEGUN
          ? event('error', { error: { type: 'overloaded_error', message: 'boom' } })
          : event('error', { code: 'server_error', message: 'boom', param: null, sequence_number: 4 })
    upstream.serve(async (call) => {
      await call.body
      await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(client.begun), chunk(error), chunk()]))
    })
    const direct = await client.ask(upstream.url)
    const [record, proxied] = await recordOf(() => client.ask(proxy.url))
    expect(proxied).toEqual(direct)
    expect(proxied.error).toBeDefined()
    expect(record).toMatchObject({ outcome: 'refused', error: 'upstream_stream_error', status: 200 })
  })
})
