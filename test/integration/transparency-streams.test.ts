import { describe, expect, it } from 'vitest'
import { aPair, seenByClient } from '../fakes/direct-and-proxied.ts'
import { aPost, RawClient } from '../fakes/raw-client.ts'
import { chunk, STREAM_HEAD } from '../fakes/raw-upstream.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'

const CHAT_STREAM = aPost('/v1/chat/completions', '{"model":"m","stream":true,"stream_options":{"include_usage":true}}')
const CHAT_STREAM_WITHOUT_USAGE = aPost('/v1/chat/completions', '{"model":"m","stream":true}')
const MESSAGES_STREAM = aPost('/v1/messages', '{"model":"c","stream":true,"max_tokens":9,"messages":[]}')

const delta = (text: string): string =>
  `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}}}]}\n\n`

/** Serves a stream whose bytes come in `size`-byte chunks, each a write and a turn of its own. */
function inPieces(text: string, size: number): (call: RawCall) => Promise<void> {
  const bytes = Buffer.from(text)
  return async (call) => {
    await call.body
    await call.write(STREAM_HEAD)
    for (let at = 0; at < bytes.length; at += size) {
      await call.write(chunk(bytes.subarray(at, at + size)))
      await new Promise((resolve) => void setImmediate(resolve))
    }
    await call.write(chunk())
  }
}

const pair = aPair()

const UNUSUAL = [
  ': a comment before anything',
  '',
  ': ping',
  ': ping',
  '',
  'event: unheard.of',
  'id: 7',
  'retry: 3000',
  'data: {"type":"unheard.of"}',
  '',
  'data:{"no":"space"}',
  'data',
  'unknown-field: kept',
  '',
  '',
  '',
  'data: two',
  'data: lines',
  '',
  'data: {"choices":[{"delta":{"content":"grüße 👩‍👩‍👧 \\u00e9 日本"}}]}',
  '',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}',
  '',
  'data: [DONE]',
  '',
  ': and after the end',
  '',
  '',
]

describe.each([
  ['a stream', CHAT_STREAM],
  ['a stream whose usage the proxy asks for', CHAT_STREAM_WITHOUT_USAGE],
])('the bytes of %s are the same', (_what, ask) => {
  // What asking for usage adds is left out here: the splice has tests of its own.
  const lines = ask === CHAT_STREAM ? UNUSUAL : UNUSUAL.filter((line) => !line.includes('"usage"'))

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('with comments, unknown events and fields, blank lines, emoji, split at every byte (%s)', async (_name, end) => {
    const text = lines.join(end)
    const { direct, proxied, record } = await pair().bothWays(ask, inPieces(text, 1))
    expect(proxied.body.toString()).toBe(text)
    expect(Buffer.compare(proxied.body, direct.body)).toBe(0)
    expect(seenByClient(proxied.headers)).toEqual(seenByClient(direct.headers))
    expect(record).toMatchObject({ outcome: 'completed', status: 200 })
    // The record is made with the terminal event; what a provider says after it is relayed, not counted.
    const untilDone = Buffer.byteLength(text.slice(0, text.indexOf('[DONE]') + '[DONE]'.length + end.length))
    expect(record.responseBytes).toBeGreaterThan(untilDone)
    expect(record.responseBytes).toBeLessThanOrEqual(untilDone + end.length)
    expect(record.attempts[0]?.firstTokenMs).toBeGreaterThan(0)
    expect(record.attempts[0]?.streamEvents).toBe(lines === UNUSUAL ? 6 : 5)
  })

  it('in one piece, and in pieces of every size up to 40 bytes', async () => {
    const text = lines.join('\n')
    for (const size of [Buffer.byteLength(text), 2, 3, 5, 7, 16, 33, 40]) {
      const { proxied } = await pair().bothWays(ask, inPieces(text, size))
      expect(proxied.body.toString()).toBe(text)
    }
  })

  it('with a byte order mark, invalid UTF-8 and NUL bytes', async () => {
    const bytes = Buffer.concat([
      Buffer.from('\ufeff: \0\n\ndata: "'),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from('"\n\ndata: [DONE]\n\n'),
    ])
    const { proxied, record } = await pair().bothWays(ask, async (call) => {
      await call.body
      await call.write(STREAM_HEAD)
      for (const byte of bytes) await call.write(chunk(Buffer.from([byte])))
      await call.write(chunk())
    })
    expect(Buffer.compare(proxied.body, bytes)).toBe(0)
    expect(record.outcome).toBe('completed')
  })

  it('when the last event has no blank line after it', async () => {
    const text = `${delta('a')}data: [DONE]`
    const { proxied, record } = await pair().bothWays(ask, inPieces(text, 9))
    expect(proxied.body.toString()).toBe(text)
    expect(proxied.end).toBe('whole')
    expect(record.outcome).toBe('completed')
  })

  it('each event arrives before the next one is sent, the head before the first', async () => {
    const { proxy, upstream, recordOf } = pair()
    const client = new RawClient(proxy.port)
    const arrived = upstream.next()
    upstream.serve(() => undefined)
    const [record] = await recordOf(async () => {
      await client.send(ask, 'POST')
      const call = await arrived
      await call.write(STREAM_HEAD)
      await client.until(([answer]) => answer !== undefined)
      await call.write(chunk(': heartbeat\n\n'))
      await client.received(': heartbeat\n\n')
      for (const text of ['one', 'two', 'three']) {
        await call.write(chunk(delta(text)))
        await client.received(delta(text))
      }
      await call.write(chunk('data: [DONE]\n\n'))
      await client.received('[DONE]') // before the upstream has ended its message
      await call.write(chunk())
      await client.answer()
    })
    expect(record.outcome).toBe('completed')
    expect(client.answers()[0]?.end).toBe('whole')
    client.socket.destroy()
  })
})

it('a heartbeat is not a first token', async () => {
  const { proxy, upstream, recordOf } = pair()
  const client = new RawClient(proxy.port)
  const arrived = upstream.next()
  upstream.serve(() => undefined)
  let pausedMs = 0
  const [record] = await recordOf(async () => {
    await client.send(CHAT_STREAM, 'POST')
    const call = await arrived
    await call.write(STREAM_HEAD + chunk(': ping\n\n').toString())
    await client.received(': ping')
    const from = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 60))
    pausedMs = performance.now() - from
    await call.write(Buffer.concat([chunk(delta('x')), chunk('data: [DONE]\n\n'), chunk()]))
    await client.answer()
  })
  const [attempt] = record.attempts
  expect(attempt?.firstTokenMs).toBeGreaterThanOrEqual(pausedMs - 1)
  expect(attempt?.firstByteMs).toBeLessThan(attempt?.firstTokenMs ?? 0)
  client.socket.destroy()
})

it('an Anthropic stream with pings, thinking signatures and unknown deltas is the same, byte for byte (check 10)', async () => {
  const text = [
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":11,"cache_read_input_tokens":5,"cache_creation_input_tokens":0,"output_tokens":1}}}\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"signature":"","thinking":"","type":"thinking"}}\n\n',
    'event: content_block_delta\ndata: {"index":0,"delta":{"thinking":"ümm 🤔","type":"thinking_delta"},"type":"content_block_delta"}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqoB\\/x+/=="}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"never_seen_delta","x":[1 , 2]}}\n\n',
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":42}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  ].join('')
  for (const size of [1, 7, 4096]) {
    const { direct, proxied, record } = await pair().bothWays(MESSAGES_STREAM, inPieces(text, size))
    expect(proxied.body.toString()).toBe(text)
    expect(direct.body.toString()).toBe(text)
    expect(record).toMatchObject({ outcome: 'completed', responseBytes: Buffer.byteLength(text) })
    expect(record.attempts[0]).toMatchObject({
      servedModel: 'claude-x',
      responseId: 'msg_1',
      finishReason: 'end_turn',
      streamEvents: 9,
      usage: { uncachedInputTokens: 11, cacheReadTokens: 5, textOutputTokens: 42, isPartial: false },
    })
  }
})

it('a client that reads slowly slows the provider down, and misses nothing', async () => {
  const { proxy, upstream, recordOf } = pair()
  const event = delta('x'.repeat(64 * 1024))
  const events = 400 // 26 MB: far more than the sockets and the proxy may hold
  let isHeldBack = false
  upstream.serve(async (call) => {
    await call.body
    call.socket.write(STREAM_HEAD)
    for (let i = 0; i < events; i++) {
      if (call.socket.write(chunk(event))) continue
      isHeldBack = true
      await new Promise((resolve) => call.socket.once('drain', resolve))
    }
    call.socket.write(Buffer.concat([chunk('data: [DONE]\n\n'), chunk()]))
  })
  const [record, bytes] = await recordOf(async () => {
    const client = new RawClient(proxy.port)
    client.socket.removeAllListeners('data')
    let total = 0
    let tail = ''
    client.socket.pause()
    await client.send(CHAT_STREAM, 'POST')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(isHeldBack).toBe(true)
    client.socket.on('data', (data) => {
      total += data.length
      tail = (tail + data.toString('latin1')).slice(-40)
      if (tail.endsWith('0\r\n\r\n')) client.socket.destroy()
    })
    client.socket.resume()
    await new Promise((resolve) => client.socket.once('close', resolve))
    return total
  })
  expect(bytes).toBeGreaterThan(events * event.length)
  expect(record).toMatchObject({
    outcome: 'completed',
    responseBytes: events * event.length + 'data: [DONE]\n\n'.length,
  })
})
