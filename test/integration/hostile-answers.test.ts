import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { sendHostile, unescapeBytes } from '../fakes/hostile-client.ts'
import { NORMAL_REQUEST, answerNormally, contradictionsOf, startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'
import { STREAM_HEAD, chunk, plain } from '../fakes/raw-upstream.ts'

let stage: HostileStage
beforeAll(async () => {
  stage = await startHostileStage({ provider: { firstByteTimeoutMs: 150, idleTimeoutMs: 150 } })
})
afterAll(() => stage.close())

const STREAMED = '{"model":"m","stream":true}'
const REQUESTS = {
  call: Buffer.from('POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{"model":"m"}'),
  /** Here asked-for usage is spliced out of what comes back. */
  stream: Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: ${STREAMED.length}\r\n\r\n${STREAMED}`,
  ),
  unread: Buffer.from('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n'),
  handshake: Buffer.from('GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
} as const

type Row = { name: string; call: string; unread: string; bytes: Buffer; closes: boolean }

const ROWS: readonly Row[] = readFileSync(new URL('../fixtures/hostile/answers.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [name = '', call = '', unread = '', text = ''] = line.split('\t')
    return { name, call, unread, bytes: unescapeBytes(text.replace('{CLOSE}', '')), closes: text.endsWith('{CLOSE}') }
  })

/** Sends `request` to an upstream that answers `bytes`; what the client and the record say of it. */
async function answered(request: Buffer, { bytes, closes }: { bytes: Buffer; closes: boolean }) {
  stage.upstream.serve(async (call) => {
    await call.body
    await call.write(bytes)
    if (closes) call.socket.end()
  })
  const reply = await sendHostile(stage.proxy.port, request)
  const { records } = await stage.settled()
  expect(records).toHaveLength(1)
  expect(records.flatMap(contradictionsOf)).toEqual([])
  expect(stage.proxy.errors).toEqual([])
  expect(reply.bytes.toString('latin1')).not.toMatch(/[\r\n]x-evil|EVIL/)
  return { reply, record: records[0] }
}

function told(record: Exchange | undefined): string {
  return [record?.status, record?.outcome, record?.error === undefined ? [] : [record.error]].flat().join(' ')
}

describe.each(ROWS)('$name', (row) => {
  it('ends a model call as it should, and the record says the same as the client saw', async () => {
    const { reply, record } = await answered(REQUESTS.call, row)
    expect(told(record)).toBe(row.call)
    expect(reply.statuses).toEqual([Number(row.call.split(' ')[0])])
  })

  it('ends a stream from which usage is spliced', async () => {
    const { reply, record } = await answered(REQUESTS.stream, row)
    expect(record?.status).toBe(reply.statuses[0])
  })

  it('ends a call on an unread path as it should', async () => {
    const { reply, record } = await answered(REQUESTS.unread, row)
    expect(told(record)).toBe(row.unread)
    expect(reply.statuses).toEqual([Number(row.unread.split(' ')[0])])
  })

  it('ends a handshake', async () => {
    const { reply, record } = await answered(REQUESTS.handshake, row)
    expect(record?.request.path).toBe('/v1/realtime')
    expect([record?.status, 101]).toContain(reply.statuses[0] ?? 101)
  })
})

const SSE = [
  'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Hé"}}],"usage":null}\n\n',
  'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n',
  'data: [DONE]\n\n',
]
const WHOLE_ANSWERS: readonly (readonly [string, Buffer])[] = [
  ['a plain answer', plain('{"id":"x","model":"m"}')],
  [
    'a chunked answer with trailers',
    Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x\r\n{"i\r\n5\r\nd":1}\r\n0\r\nx-t: 1\r\n\r\n'),
  ],
  ['a stream', Buffer.concat([Buffer.from(STREAM_HEAD), ...SSE.map((event) => chunk(event)), chunk()])],
]

describe.each(WHOLE_ANSWERS)('%s that is cut', (name, whole) => {
  it.each(['call', 'stream', 'unread'] as const)(
    'at any byte ends a %s: never whole for the client, never completed in the record',
    async (kind) => {
      const isStreamRead = name === 'a stream' && kind !== 'unread'
      const terminalAt = whole.indexOf('[DONE]\n\n') + '[DONE]\n\n'.length
      for (let length = 0; length < whole.length; length++) {
        const { reply, record } = await answered(REQUESTS[kind], { bytes: whole.subarray(0, length), closes: true })
        const hasLastWord = isStreamRead && length >= terminalAt
        expect(record?.outcome === 'completed', `after ${length} bytes: ${told(record)}`).toBe(hasLastWord)
        expect(reply.statuses[0] === 502 || reply.end !== 'answered' || hasLastWord, `after ${length} bytes`).toBe(true)
      }
    },
  )
})

it('a normal request works after all of it, on a clean connection', async () => {
  answerNormally(stage.upstream)
  for (let i = 0; i < 20; i++) expect((await sendHostile(stage.proxy.port, NORMAL_REQUEST)).statuses).toEqual([200])
  const { records } = await stage.settled()
  expect(records.every(({ outcome }) => outcome === 'completed')).toBe(true)
})
