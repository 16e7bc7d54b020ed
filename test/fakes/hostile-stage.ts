import { setTimeout as pause } from 'node:timers/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { ERRORS } from '../../src/domain/errors.ts'
import type { Exchange } from '../../src/domain/exchange.ts'
import { valueOf } from './http-message.ts'
import { sendHostile } from './hostile-client.ts'
import { startProxy } from './proxy.ts'
import type { ProxyChanges, TestProxy } from './proxy.ts'
import { plain, startRawUpstream } from './raw-upstream.ts'
import type { RawCall, RawUpstream } from './raw-upstream.ts'
import { watchServer } from './watched-server.ts'
import type { WatchedServer } from './watched-server.ts'

/** A proxy that waits for nobody long, the upstream behind it, and a server that it must never call. */
export type HostileStage = {
  readonly proxy: TestProxy
  readonly upstream: RawUpstream
  readonly watched: WatchedServer
  readonly evilPort: number
  readonly evilConnections: () => number
  /** Waits until nothing is under way any more, checks what must hold then, and returns the records since the last time. */
  readonly settled: (boundMs?: number) => Promise<Settled>
  readonly close: () => Promise<void>
}

export type Settled = { readonly records: readonly Exchange[]; readonly calls: readonly RawCall[] }

const PATIENCE = { headMs: 250, keepAliveMs: 2_000, stallMs: 600 }

export const NORMAL_REQUEST = Buffer.from(
  'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{"model":"m"}',
)

export async function startHostileStage(changes: ProxyChanges = {}): Promise<HostileStage> {
  const upstream = await startRawUpstream()
  answerNormally(upstream)
  let evilConnections = 0
  const evil = createServer((socket) => {
    evilConnections++
    socket.destroy()
  })
  await new Promise<void>((resolve) => void evil.listen(0, '127.0.0.1', resolve))
  const proxy = await startProxy(upstream.url, {
    patience: PATIENCE,
    ...changes,
    provider: { firstByteTimeoutMs: 1_000, idleTimeoutMs: 1_000, ...changes.provider },
    policy: { limits: { maxBodyBytes: 16 * 1024 * 1024, bodyTimeoutMs: 250 }, ...changes.policy },
  })
  const watched = watchServer(proxy.port)
  let readBefore = 0
  const stage: HostileStage = {
    proxy,
    upstream,
    watched,
    evilPort: (evil.address() as AddressInfo).port,
    evilConnections: () => evilConnections,
    settled: async (boundMs = 8_000) => {
      const isQuiet = async (): Promise<boolean> =>
        (await watched.openSockets()) === 0 &&
        stage.proxy.slotUse().every(({ inFlight, queued }) => inFlight + queued === 0) &&
        proxy.exchanges.length === watched.readable() - readBefore
      await until(isQuiet, boundMs, async () =>
        JSON.stringify({
          openSockets: await watched.openSockets(),
          slots: proxy.slotUse(),
          records: proxy.exchanges.map(({ request, outcome, error }) => [request.path, outcome, error]).slice(-20),
          readable: watched.readable() - readBefore,
          errors: proxy.errors,
        }),
      )
      readBefore = watched.readable()
      return { records: proxy.takeRecords(), calls: upstream.takeCalls() }
    },
    close: async () => {
      watched.stop()
      await upstream.close()
      await new Promise<void>((resolve) => void evil.close(() => resolve()))
      await proxy.close(200)
    },
  }
  await sendHostile(proxy.port, NORMAL_REQUEST)
  await stage.settled()
  return stage
}

/** Throws unless a normal request gets its answer and leaves its record, and the proxy has caught no error of its own. */
export async function checkStillWorks(stage: HostileStage): Promise<void> {
  const { statuses } = await sendHostile(stage.proxy.port, NORMAL_REQUEST)
  const { records } = await stage.settled()
  const told = JSON.stringify([statuses, records.map(({ outcome }) => outcome), stage.proxy.errors])
  if (told !== '[[200],["completed"],[]]') throw new Error(`a normal request no longer works: ${told}`)
}

/** A JSON answer to each request once its body is whole. */
export function answerNormally(upstream: RawUpstream): void {
  upstream.serve(async (call) => {
    await call.body
    await call.write(plain(call.line.startsWith('HEAD ') ? '' : '{"id":"x","model":"m"}'))
  })
}

async function until(isSo: () => Promise<boolean>, boundMs: number, describe: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + boundMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`still not quiet after ${boundMs} ms: ${await describe()}`)
    await pause(5)
  }
}

/** What is wrong with what reached the upstream: each message must be one that no two parsers read differently. */
export function ambiguitiesOf(call: RawCall, upstream: RawUpstream): readonly string[] {
  const named = (name: string): readonly string[] =>
    call.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  const lengths = named('content-length')
  const codings = named('transfer-encoding')
  const faults: string[] = []
  if (lengths.length + codings.length > 1) faults.push('framed twice')
  if (lengths.some((length) => !/^\d+$/.test(length))) faults.push('a length that is no number')
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked')) faults.push('a coding other than chunked')
  if (valueOf(call.headers, 'host') !== new URL(upstream.url).host) faults.push('a host that is not the upstream')
  if (named('host').length !== 1) faults.push('not one host')
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\s]+ HTTP\/1\.1$/.test(call.line)) faults.push(`a request line: ${call.line}`)
  for (const [name, value] of call.headers) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value))
      faults.push(`a header: ${name}`)
    if (name.toLowerCase().startsWith('x-understudy-')) faults.push(`our own header: ${name}`)
  }
  return faults
}

/** What is wrong with a record: its parts must agree with each other and with the error table. */
export function contradictionsOf(record: Exchange): readonly string[] {
  const { outcome, error, status, attempts } = record
  const faults: string[] = []
  if (outcome === 'rejected' && (attempts.length > 0 || error === undefined)) faults.push('rejected, yet called')
  if (outcome === 'rejected' && error !== undefined && status !== ERRORS[error].status)
    faults.push('not the status of its error')
  if (outcome === 'completed' && (error !== undefined || status >= 400 || (status < 200 && status !== 101)))
    faults.push('completed, yet failed')
  if (outcome === 'cancelled' && error !== 'client_closed') faults.push('cancelled by nobody')
  if (outcome === 'refused' && status < 400 && error === undefined) faults.push('refused without a reason')
  if (attempts.length > 1) faults.push('more than one attempt')
  return faults.map(
    (fault) => `${fault}: ${JSON.stringify([record.request.method, record.request.path, outcome, error, status])}`,
  )
}
