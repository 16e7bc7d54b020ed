import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { closedLoad } from '../bench/closed-load.ts'
import type { LoadOrder, LoadResult } from '../bench/load-order.ts'
import { openLoad } from '../bench/open-load.ts'
import { createTally, percentile } from '../bench/tally.ts'
import { PLAIN_ANSWER } from '../bench/wire.ts'

describe('the tally', () => {
  it('takes percentiles by nearest rank, and none of nothing', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([0.5, 0.99, 0.999, 1].map((rank) => percentile(hundred, rank))).toEqual([50, 99, 100, 100])
    expect(percentile([7], 0.5)).toBe(7)
    expect(percentile([], 0.5)).toBeUndefined()
  })

  it('counts answers by second, and those never sent as waiting, but not as answers', () => {
    const tally = createTally(1_000)
    tally.right(10, 5, 1_500)
    tally.right(20, 6, 3_999)
    tally.right(30, 7, 3_000)
    tally.wrong('first')
    tally.wrong('second')
    tally.unsent(500)
    expect(tally.result(5_000)).toMatchObject({
      answers: 3,
      faults: 2,
      firstFault: 'first',
      seconds: 4,
      p50Ms: 20,
      maxMs: 500,
      firstByteP50Ms: 6,
      unsent: 1,
      answersBySecond: [1, 0, 2],
    })
  })
})

/** A server that answers each request by `answer`; its port. */
async function serving(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function load(port: number, changes: Partial<LoadOrder>): Promise<LoadResult> {
  const usual = { path: '/', headers: [], kind: 'plain' as const, paceMs: 0, connections: 4, seconds: 0.6 }
  const order: LoadOrder = { port, ...usual, ...changes }
  const startedAt = performance.now()
  const endsAt = startedAt + order.seconds * 1_000
  const tally = createTally(startedAt)
  const { ratePerSecond } = order
  if (ratePerSecond === undefined) await closedLoad(order, endsAt, tally)
  else await openLoad({ ...order, ratePerSecond }, startedAt, endsAt, tally)
  return tally.result(performance.now())
}

describe('an open loop', () => {
  it('sends as many as are due, whatever else, and no more', async () => {
    const port = await serving((socket) => socket.write(PLAIN_ANSWER))
    const { answers, unsent, faults } = await load(port, { ratePerSecond: 200 })
    expect({ due: answers + unsent, faults }).toEqual({ due: 120, faults: 0 })
    expect(answers).toBeGreaterThan(60) // a busy machine may keep the last ones from being sent
  })

  it('charges a stall to every request that was due in it; a closed loop sees it once per connection', async () => {
    const stalling = (): ((socket: Socket) => void) => {
      let asked = 0
      let until = 0
      return (socket) => {
        if (++asked === 5) until = performance.now() + 450
        setTimeout(() => socket.write(PLAIN_ANSWER), Math.max(0, until - performance.now()))
      }
    }
    const open = await load(await serving(stalling()), { ratePerSecond: 200 })
    const closed = await load(await serving(stalling()), {})
    // Three quarters of the requests are due while it stalls, and wait 225 ms on average; of the closed loop's, four.
    expect(open.p50Ms).toBeGreaterThan(100)
    expect(closed.p50Ms).toBeLessThan(open.p50Ms ?? 0)
    expect(closed.maxMs).toBeGreaterThan(400)
  })

  it('ends in time when nobody answers, and says how many were never sent', async () => {
    const port = await serving((socket) => socket.destroy())
    const { answers, unsent, faults } = await load(port, { ratePerSecond: 200 })
    expect(answers).toBe(0)
    expect(faults).toBeGreaterThan(0)
    expect(unsent + faults).toBeGreaterThanOrEqual(120)
  })

  it('tells a wrong answer from a right one', async () => {
    const wrong = Buffer.from('HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n{}')
    const { answers, firstFault } = await load(await serving((socket) => socket.write(wrong)), { ratePerSecond: 50 })
    expect({ answers, firstFault }).toEqual({ answers: 0, firstFault: 'status 500 with 2 body bytes' })
  })
})
