import { connect } from 'node:net'
import { createAnswerParser } from './answer-parser.ts'
import { LoadOrder, type LoadResult } from './load-order.ts'
import { EXPECTED_BODY_BYTES, requestBytes } from './wire.ts'

/**
 * The load: a closed loop of keep-alive connections on raw sockets, in a process of its own that is told by messages
 * what to send and answers each with what it saw. Raw sockets, because an HTTP client would cost as much as the proxy.
 */
process.on('message', (message) => {
  void run(LoadOrder.parse(message)).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))

async function run(order: LoadOrder): Promise<LoadResult> {
  const tally: Tally = { latencies: [], firstBytes: [], faults: 0, firstFault: undefined }
  const startedAt = performance.now()
  const endsAt = startedAt + order.seconds * 1000
  await Promise.all(Array.from({ length: order.connections }, () => keepAsking(order, endsAt, tally)))
  return {
    answers: tally.latencies.length,
    faults: tally.faults,
    firstFault: tally.firstFault,
    seconds: (performance.now() - startedAt) / 1000,
    p50Ms: percentile(tally.latencies, 0.5),
    p99Ms: percentile(tally.latencies, 0.99),
    firstByteP50Ms: percentile(tally.firstBytes, 0.5),
  }
}

type Tally = {
  readonly latencies: number[]
  readonly firstBytes: number[]
  faults: number
  firstFault: string | undefined
}

/** One connection: asks, reads the whole answer, asks again; a connection that is lost is opened anew. */
function keepAsking(order: LoadOrder, endsAt: number, tally: Tally): Promise<void> {
  const request = requestBytes(order.kind, `127.0.0.1:${order.port}`, order.path, order.paceMs)
  return new Promise((resolve) => {
    const parser = createAnswerParser()
    let askedAt = 0
    let firstByteAt: number | undefined
    let isOver = false
    const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true })
    const ask = (): void => {
      askedAt = performance.now()
      firstByteAt = undefined
      socket.write(request)
    }
    const finish = (fault: string | undefined): void => {
      if (isOver) return
      isOver = true
      clearTimeout(deadline)
      socket.destroy()
      if (fault === undefined || performance.now() >= endsAt + GRACE_MS) return resolve()
      note(tally, fault)
      // Waits a little, so that a contender that is down costs a few faults and not a spinning client.
      setTimeout(() => (performance.now() < endsAt ? resolve(keepAsking(order, endsAt, tally)) : resolve()), 50)
    }
    const deadline = setTimeout(() => finish('no answer in time'), endsAt - performance.now() + GRACE_MS - 100)
    socket.on('connect', ask)
    socket.on('error', (error) => finish(error.message))
    socket.on('close', () => finish('connection closed'))
    socket.on('data', (bytes) => {
      try {
        const { isDone, sawBody } = parser.feed(bytes)
        if (!sawBody && !isDone) return
        const now = performance.now()
        firstByteAt ??= now
        if (!isDone) return
        const { status, bodyBytes } = parser.last()
        if (status === 200 && bodyBytes === EXPECTED_BODY_BYTES[order.kind]) {
          tally.latencies.push(now - askedAt)
          tally.firstBytes.push(firstByteAt - askedAt)
        } else {
          note(tally, `status ${status} with ${bodyBytes} body bytes`)
        }
        if (now < endsAt) ask()
        else finish(undefined)
      } catch (error) {
        finish(String(error))
      }
    })
  })
}

/** How long an answer under way at the end may still take. */
const GRACE_MS = 10_000

function note(tally: Tally, fault: string): void {
  tally.faults++
  tally.firstFault ??= fault
}

/** The value below which the share `rank` of the values lies, by nearest rank; undefined without values. */
function percentile(values: number[], rank: number): number | undefined {
  return values.sort((a, b) => a - b)[Math.ceil(values.length * rank) - 1]
}
