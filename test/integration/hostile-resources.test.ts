import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sendHostile } from '../fakes/hostile-client.ts'
import { heldNow } from '../fakes/hostile-run.ts'
import { NORMAL_REQUEST, answerNormally, checkStillWorks, startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'
import { aPost } from '../fakes/raw-client.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'
import { STREAM_HEAD, chunk } from '../fakes/raw-upstream.ts'

const MB = 1024 * 1024
const CHAT = '/v1/chat/completions'
const UNREAD = Buffer.from('GET /v1/files/x/content HTTP/1.1\r\nHost: a\r\n\r\n')

let stage: HostileStage
beforeEach(async () => {
  stage = await startHostileStage({
    provider: { firstByteTimeoutMs: 3_000, idleTimeoutMs: 3_000 }, // longer than a client is waited for
    policy: { limits: { maxBodyBytes: 16 * MB, bodyTimeoutMs: 1_000 } },
  })
})
afterEach(async () => {
  answerNormally(stage.upstream)
  await checkStillWorks(stage)
  await stage.close()
})

/** The longest that the event loop was held while `run` ran, in milliseconds. */
async function longestHold(run: () => Promise<void>): Promise<number> {
  let longest = 0
  let last = performance.now()
  const beat = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  await run()
  clearInterval(beat)
  return longest
}

/** Memory outside and inside the heap that grew while `run` ran, sampled at its end and after it. */
async function grown(run: () => Promise<void>): Promise<number> {
  heldNow()
  const before = process.memoryUsage()
  await run()
  heldNow()
  const after = process.memoryUsage()
  return after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
}

const ZEROS = Buffer.alloc(100 * MB)
const PACKERS = [
  ['gzip', gzipSync(ZEROS)],
  ['br', brotliCompressSync(ZEROS, { params: { 1: 5 } })],
  ['zstd', zstdCompressSync(ZEROS)],
  ['deflate', deflateSync(ZEROS)],
] as const

describe('compression bombs of 100 MB', () => {
  it.each(PACKERS)(
    '%s in a request: it goes to the upstream as it is, unpacked no further than the limit',
    async (encoding, bomb) => {
      const call = stage.upstream.next()
      let reply: Awaited<ReturnType<typeof sendHostile>> | undefined
      const hold = await longestHold(async () => {
        reply = await sendHostile(stage.proxy.port, aPost(CHAT, bomb, [['Content-Encoding', encoding]]))
      })
      expect(reply?.statuses).toEqual([200])
      expect((await (await call).body).equals(bomb)).toBe(true)
      const { records } = await stage.settled()
      expect(records[0]?.request.shape.unreadable).toBe('too_large_to_read')
      expect(hold).toBeLessThan(500)
    },
  )

  it.each(PACKERS)(
    '%s in an answer: the client gets its bytes at once, and the record does without',
    async (encoding, bomb) => {
      stage.upstream.serve(async (call) => {
        await call.body
        await call.write(
          Buffer.concat([
            Buffer.from(
              `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\n\r\n`,
            ),
            bomb,
          ]),
        )
      })
      const reply = await sendHostile(stage.proxy.port, NORMAL_REQUEST)
      expect(reply.end).toBe('answered')
      expect(reply.bytes.subarray(reply.bytes.indexOf('\r\n\r\n') + 4).equals(bomb)).toBe(true)
      const { records } = await stage.settled()
      expect(records[0]?.outcome).toBe('completed')
      expect(records[0]?.attempts[0]?.usage).toBeUndefined()
    },
  )

  it.each(PACKERS)('%s in a stream: it is not followed to its end, and not blamed for it', async (encoding, bomb) => {
    stage.upstream.serve(async (call) => {
      await call.body
      await call.write(
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: ${encoding}\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      await call.write(Buffer.concat([chunk(bomb), chunk()]))
    })
    const reply = await sendHostile(stage.proxy.port, NORMAL_REQUEST)
    expect(reply.end).toBe('answered')
    const { records } = await stage.settled()
    expect(records[0]?.outcome).toBe('completed')
  })
})

/** Sends `request` and reads whatever comes, without keeping it, until `bytes` have come; then leaves. */
async function readAndLeave(request: Uint8Array, bytes: number): Promise<void> {
  const socket = connect({ port: stage.proxy.port, host: '127.0.0.1' })
  let received = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject).on('close', () => reject(new Error(`closed after ${received} bytes`)))
    socket.on('data', (part) => {
      received += part.length
      if (received >= bytes) resolve()
    })
    socket.write(request)
  })
  socket.removeAllListeners('close').destroy()
}

/** Writes `part` for as long as somebody is there to read it. */
async function writeForEver(call: RawCall, part: Buffer): Promise<void> {
  call.socket.on('error', () => undefined)
  while (!call.socket.destroyed) {
    if (call.socket.write(part)) await turn()
    else await new Promise<void>((resolve) => void call.socket.once('drain', resolve).once('close', resolve))
  }
}

describe('answers without end, 64 MB of each read', () => {
  it.each([
    ['an event without an end', STREAM_HEAD, chunk('a'.repeat(16_000)), aPost(CHAT, '{"model":"m"}')],
    ['lines that end no event', STREAM_HEAD, chunk('data: x\n'.repeat(2_000)), aPost(CHAT, '{"model":"m"}')],
    [
      'an event without an end, spliced',
      STREAM_HEAD,
      chunk('a'.repeat(16_000)),
      aPost(CHAT, '{"model":"m","stream":true}'),
    ],
    [
      'lines that end no event, spliced',
      STREAM_HEAD,
      chunk('a\n'.repeat(8_000)),
      aPost(CHAT, '{"model":"m","stream":true}'),
    ],
    [
      'usage in every line, spliced',
      STREAM_HEAD,
      chunk('data: {"usage":null}\n'.repeat(800)),
      aPost(CHAT, '{"model":"m","stream":true}'),
    ],
    ['comments', STREAM_HEAD, chunk(': ping\n\n'.repeat(2_000)), aPost(CHAT, '{"model":"m"}')],
    [
      'a plain body',
      'HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n',
      Buffer.alloc(64 * 1024, 97),
      aPost(CHAT, '{"model":"m"}'),
    ],
    [
      'a body on an unread path',
      'HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n',
      Buffer.alloc(64 * 1024, 97),
      UNREAD,
    ],
  ])('%s: memory stays flat, and leaving ends it upstream', async (_, head, part, request) => {
    const closed: Promise<number>[] = []
    stage.upstream.serve(async (call) => {
      closed.push(call.closed)
      await call.body
      await call.write(head)
      await writeForEver(call, part)
    })
    const growth = await grown(async () => {
      await readAndLeave(request, 64 * MB)
      await Promise.all(closed)
      await stage.settled()
    })
    expect(growth).toBeLessThan(8 * MB)
  })
})

describe('interim answers without end', () => {
  it.each([
    ['a model call', NORMAL_REQUEST],
    ['an unread path', UNREAD],
  ])('%s times out as if nothing had come', async (_, request) => {
    stage.upstream.serve(async (call) => {
      await call.body
      await writeForEver(call, Buffer.from('HTTP/1.1 102 Processing\r\n\r\n'))
    })
    expect((await sendHostile(stage.proxy.port, request)).statuses).toEqual([504])
    const { records } = await stage.settled()
    expect(records[0]?.error).toBe('first_byte_timeout')
  })
})

describe('clients that keep the proxy waiting', () => {
  it.each([
    ['a model call', NORMAL_REQUEST],
    ['an unread path', UNREAD],
  ])('one that sends %s and reads nothing is let go of, and its upstream with it', async (_, request) => {
    const upstreamClosed = new Promise<void>((resolve) => {
      stage.upstream.serve(async (call) => {
        await call.body
        await call.write('HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n')
        await writeForEver(call, Buffer.alloc(64 * 1024))
        resolve()
      })
    })
    const growth = await grown(async () => {
      const socket = silentClient(request)
      await upstreamClosed
      await stage.settled()
      socket.destroy()
    })
    expect(growth).toBeLessThan(8 * MB)
  })

  it('one that reads nothing of a thousand pipelined requests is let go of, and each leaves its record', async () => {
    stage.upstream.serve(async (call) => {
      await call.body
      await call.write(`HTTP/1.1 200 OK\r\ncontent-length: ${256 * 1024}\r\n\r\n`)
      await call.write(Buffer.alloc(256 * 1024))
    })
    const first = stage.upstream.next()
    const socket = silentClient(Buffer.concat(Array.from({ length: 1_000 }, () => UNREAD)))
    await first
    const { records } = await stage.settled(20_000)
    socket.destroy()
    expect(records.length).toBeGreaterThan(0)
    expect(records.filter(({ outcome }) => outcome !== 'cancelled' && outcome !== 'completed')).toEqual([])
  })

  it('one that sends its head byte by byte is told that its time is up', async () => {
    const started = performance.now()
    expect((await dripped('', UNREAD, 40)).startsWith('HTTP/1.1 408 ')).toBe(true)
    expect(performance.now() - started).toBeLessThan(2_000)
    await stage.settled()
  })

  it('one that sends the body of a model call byte by byte is told that its time is up', async () => {
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n`
    expect((await dripped(head, Buffer.alloc(500), 20)).startsWith('HTTP/1.1 408 ')).toBe(true)
    const { records } = await stage.settled()
    expect(records.map(({ error }) => error)).toEqual(['body_timeout'])
  })

  it('one that closes its sending side is taken to have left', async () => {
    stage.upstream.serve(() => undefined)
    const socket = connect({ port: stage.proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    const call = stage.upstream.next()
    socket.end(NORMAL_REQUEST)
    await (
      await call
    ).closed
    const { records } = await stage.settled()
    expect(records.map(({ outcome }) => outcome)).toEqual(['cancelled'])
    socket.destroy()
  })

  it('five hundred that connect and say nothing are closed', async () => {
    const sockets = Array.from({ length: 500 }, () => connect({ port: stage.proxy.port, host: '127.0.0.1' }))
    await Promise.all(sockets.map((socket) => once(socket.on('error', () => undefined).resume(), 'close')))
    const { records } = await stage.settled()
    expect(records).toEqual([])
  })
})

function silentClient(request: Uint8Array): Socket {
  const socket = connect({ port: stage.proxy.port, host: '127.0.0.1' })
  socket.on('error', () => undefined).pause()
  socket.write(request)
  return socket
}

/** Sends `head` at once and the rest by one byte each `everyMs`, until something comes back, which it returns whole. */
async function dripped(head: string, rest: Uint8Array, everyMs: number): Promise<string> {
  const socket = connect({ port: stage.proxy.port, host: '127.0.0.1' })
  const received: Buffer[] = []
  socket.on('data', (part) => received.push(part)).on('error', () => undefined)
  const closed = once(socket, 'close')
  socket.write(head)
  for (const byte of rest) {
    if (received.length > 0 || socket.destroyed) break
    socket.write(Buffer.from([byte]))
    await pause(everyMs)
  }
  await closed
  return Buffer.concat(received).toString()
}

it('10 MB of JSON made to be slow is read in passing, or not at all', async () => {
  const bodies = [
    `{${'"":1,'.repeat(2 * MB)}"model":"m"}`,
    `{"model":"m","a":${'['.repeat(10 * MB)}`,
    `{"model":"${'\\u0000'.repeat(1.5 * MB)}"}`,
    `{"a":"${'\\'.repeat(10 * MB)}"}`,
    `{"model":"m","a":[${'"\\"",'.repeat(2 * MB)}1]}`,
  ]
  for (const body of bodies) {
    const request = aPost(CHAT, body)
    const hold = await longestHold(async () => {
      expect((await sendHostile(stage.proxy.port, request)).statuses).toEqual([200])
    })
    expect(hold).toBeLessThan(700)
    const { records } = await stage.settled()
    expect(
      JSON.stringify(records[0], (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length,
    ).toBeLessThan(20_000)
  }
})
