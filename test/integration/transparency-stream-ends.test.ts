import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { CHAT_BEGUN, event, MESSAGE_BEGUN } from '../fakes/begun-streams.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import { chunk, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const CLOSING_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n'
const pair = aPair()

const choices = (...list: object[]): string => `data: ${JSON.stringify({ id: 'c', model: 'm-1', choices: list })}\n\n`
const said = (index: number): string => choices({ index, delta: { content: 'x' }, finish_reason: null })
const finished = (index: number): string => choices({ index, delta: {}, finish_reason: 'stop' })

/** Streams `text` to one client and ends it as `head` says: by the last chunk, or by the closing connection. */
async function streamed(head: string, path: string, text: string) {
  const { upstream, proxy, recordOf } = pair()
  upstream.serve(async (call) => {
    await call.body
    await call.write(head + (head === STREAM_HEAD ? Buffer.concat([chunk(text), chunk()]).toString() : text))
    if (head === CLOSING_HEAD) call.socket.end()
  })
  return recordOf(() => exchangeRaw(proxy.port, aPost(path, '{"model":"m","stream":true}')))
}

describe.each([
  ['the last chunk', STREAM_HEAD],
  ['the closing connection', CLOSING_HEAD],
])('a stream that %s ends', (_by, head) => {
  it('is complete without [DONE] once its choice has a finish reason, as some compatible servers leave it', async () => {
    const [record, answer] = await streamed(head, '/v1/chat/completions', CHAT_BEGUN + finished(0))
    expect(answer.end).toBe('whole')
    expect(answer.body.toString()).toBe(CHAT_BEGUN + finished(0))
    expect(record).toMatchObject({ outcome: 'completed', error: undefined, status: 200 })
    expect(record.attempts[0]).toMatchObject({ finishReason: 'stop', outcome: { kind: 'completed' } })
  })

  it('is a cut while one of its choices has none, however they are mixed', async () => {
    const begun = said(0) + said(1) + said(0) + said(2) + finished(0) + finished(2)
    const [cut] = await streamed(head, '/v1/chat/completions', begun)
    expect(cut).toMatchObject({ outcome: 'interrupted', error: 'no_terminal_event' })
    const [whole] = await streamed(head, '/v1/chat/completions', begun + finished(1))
    expect(whole).toMatchObject({ outcome: 'completed', error: undefined })
  })

  it('is a cut where an Anthropic message has its stop reason and no message_stop', async () => {
    const text =
      MESSAGE_BEGUN + event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } })
    const [record] = await streamed(head, '/v1/messages', text)
    expect(record).toMatchObject({ outcome: 'interrupted', error: 'no_terminal_event' })
  })
})

it('a stream without [DONE] that the closing connection ends is whole for the OpenAI SDK too', async () => {
  const { upstream, proxy } = pair()
  upstream.serve(async (call) => {
    await call.body
    await call.write(CLOSING_HEAD + CHAT_BEGUN + finished(0))
    call.socket.end()
  })
  const client = new OpenAI({ apiKey: 'sk', baseURL: `${proxy.url}/v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'hi' }]
  let text = ''
  for await (const part of await client.chat.completions.create({ model: 'm', messages, stream: true }))
    text += part.choices[0]?.delta.content ?? ''
  expect(text).toBe('Hel')
})
