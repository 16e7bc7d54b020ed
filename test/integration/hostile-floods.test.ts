import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../fakes/ask.ts'
import { sendHostile } from '../fakes/hostile-client.ts'
import { heldNow } from '../fakes/hostile-run.ts'
import { NORMAL_REQUEST, startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'
import { openAdmin } from '../fakes/open-admin.ts'

// What a slow or a greedy client does to the others: nothing. Each flood runs while normal requests are served.

const MB = 1024 * 1024
/** More than the 256 connections that the admin port keeps. */
const FLOOD = 400
const NORMAL = 40
/** Far above what a request takes here, far below what a starved one would. */
const SERVED_WITHIN_MS = 3_000

/** A client that floods: what it writes at each step of a connection, counted from 0. */
type Act = (socket: Socket, step: number) => void

type Flood = {
  /** The first connections, in order of opening. */
  readonly sockets: readonly Socket[]
  /** Resolves when each of them has been let in, or turned away. */
  readonly connected: Promise<unknown>
  readonly stop: () => void
}

/** Opens `count` connections to `port` and does `act` on each every 50 ms; those that are closed are opened again. */
function flood(port: number, count: number, act: Act): Flood {
  const open = (): Socket =>
    connect({ port, host: '127.0.0.1' })
      .on('error', () => undefined)
      .resume()
  const sockets = Array.from({ length: count }, open)
  const slots = sockets.map((socket) => ({ socket, step: 0 }))
  const timer = setInterval(() => {
    for (const slot of slots) {
      if (slot.socket.destroyed) {
        slot.socket = open()
        slot.step = 0
      } else if (slot.socket.writable) act(slot.socket, slot.step++)
    }
  }, 50)
  return {
    sockets,
    connected: Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')]))),
    stop: () => {
      clearInterval(timer)
      for (const { socket } of slots) socket.destroy()
    },
  }
}

/** The slowest of `NORMAL` requests sent one after another beside a flood; throws when one is not answered as it should. */
async function servedBeside(serve: () => Promise<void>): Promise<number> {
  let slowestMs = 0
  for (let request = 0; request < NORMAL; request++) {
    const from = performance.now()
    await serve()
    slowestMs = Math.max(slowestMs, performance.now() - from)
    await pause(5)
  }
  return slowestMs
}

const CHAT_HEAD = 'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n'
const SLOW_HEAD = 'GET /healthz HTTP/1.1\r\nx-slow: '

/** Writes `head` first and `more` at each further step. */
function begins(head: string, more: string): Act {
  return (socket, step) => void socket.write(step === 0 ? head : more)
}

const FLOODS: readonly (readonly [string, Act])[] = [
  ['say nothing', () => undefined],
  ['send their head byte by byte', begins(SLOW_HEAD, 'y')],
  ['send headers without end', begins('GET / HTTP/1.1\r\n', `x-flood: ${'y'.repeat(1_000)}\r\n`)],
  ['send ever more short headers', begins('GET / HTTP/1.1\r\n', 'a:b\r\n'.repeat(200))],
  ['send their body byte by byte', begins(`${CHAT_HEAD}Content-Length: 100000\r\n\r\n`, 'x')],
  ['chunk their body into single bytes', begins(`${CHAT_HEAD}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n')],
  ['ask once and keep the connection', begins('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n', '')],
]

describe('at the data port', () => {
  let stage: HostileStage
  beforeEach(async () => {
    stage = await startHostileStage()
  })
  afterEach(() => stage.close())

  it.each(FLOODS)(`${FLOOD} clients that %s keep nobody waiting, and leave nothing behind`, async (_, act) => {
    const before = heldNow()
    const attack = flood(stage.proxy.port, FLOOD, act)
    await attack.connected
    const slowestMs = await servedBeside(async () => {
      expect((await sendHostile(stage.proxy.port, NORMAL_REQUEST)).statuses).toEqual([200])
    })
    attack.stop()
    const { records } = await stage.settled()
    expect(slowestMs).toBeLessThan(SERVED_WITHIN_MS)
    expect(records.filter(({ request, outcome }) => request.requestBytes === 13 && outcome !== 'completed')).toEqual([])
    expect(stage.proxy.errors).toEqual([])
    expect(heldNow().heapBytes - before.heapBytes).toBeLessThan(24 * MB)
  })
})

describe('at the admin port', () => {
  it.each(FLOODS)(`${FLOOD} clients that %s do not shut out a probe`, async (_, act) => {
    const admin = await openAdmin()
    const attack = flood(admin.port, FLOOD, act)
    await attack.connected
    const slowestMs = await servedBeside(async () => {
      expect((await ask(admin.port, '/healthz')).status).toBe(200)
    })
    attack.stop()
    expect(slowestMs).toBeLessThan(SERVED_WITHIN_MS)
  })

  it('closes the connection that has asked for nothing the longest, not the one that is being answered', async () => {
    let answer: (text: string) => void = () => undefined
    const expose = () => new Promise<string>((resolve) => void (answer = resolve))
    const admin = await openAdmin({ metrics: { expose, contentType: 'text/plain' } })
    const asked = ask(admin.port, '/metrics')
    const kept = flood(admin.port, 255, () => undefined)
    await kept.connected
    const [oldest] = kept.sockets
    if (oldest === undefined) throw new Error('no connection')
    const closed = once(oldest, 'close')
    const newcomers = flood(admin.port, 300, () => undefined)
    await newcomers.connected
    await closed
    answer('up 1\n')
    expect((await asked).body).toBe('up 1\n')
    kept.stop()
    newcomers.stop()
  })

  it('lets go of a head that does not arrive', async () => {
    const admin = await openAdmin()
    const socket = connect(admin.port, '127.0.0.1')
    socket.write(SLOW_HEAD)
    const timer = setInterval(() => socket.write('y'), 500)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 .*"code":"timeout"/s)
    clearInterval(timer)
  })
})
