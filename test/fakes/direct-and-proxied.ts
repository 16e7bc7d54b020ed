import { afterAll, beforeAll } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/start-simulator.ts'
import type { Header } from './http-message.ts'
import { startProxy } from './proxy.ts'
import type { ProxyChanges, TestProxy } from './proxy.ts'
import { exchangeRaw } from './raw-client.ts'
import type { RawAnswer } from './raw-client.ts'
import { startRawUpstream } from './raw-upstream.ts'
import type { RawCall, RawUpstream } from './raw-upstream.ts'

/** The same bytes sent straight to the upstream and through the proxy, and what each side saw. */
export type BothWays = {
  readonly direct: RawAnswer
  readonly proxied: RawAnswer
  readonly directCall: RawCall
  readonly proxiedCall: RawCall
  readonly record: Exchange
}

export type Pair = {
  readonly upstream: RawUpstream
  readonly proxy: TestProxy
  /** Sends `request` both ways; `answer` serves the upstream's side. */
  readonly bothWays: (
    request: string | Uint8Array,
    answer: (call: RawCall) => void | Promise<void>,
    method?: string,
  ) => Promise<BothWays>
  /** The one record that `run` leaves, and what `run` returned. */
  readonly recordOf: <T>(run: () => Promise<T>) => Promise<readonly [Exchange, T]>
}

/** A raw upstream and a proxy in front of it, for the tests of one file. */
export function aPair(changes: ProxyChanges = {}): () => Pair {
  let pair: Pair | undefined
  beforeAll(async () => {
    const upstream = await startRawUpstream()
    const proxy = await startProxy(upstream.url, changes)
    const recordOf = recorderOf(proxy)
    pair = {
      upstream,
      proxy,
      recordOf,
      bothWays: async (request, answer, method = 'POST') => {
        upstream.serve(answer)
        const before = upstream.calls.length
        const direct = await exchangeRaw(upstream.port, request, method)
        const [record, proxied] = await recordOf(() => exchangeRaw(proxy.port, request, method))
        const [directCall, proxiedCall] = upstream.calls.slice(before)
        if (directCall === undefined || proxiedCall === undefined)
          throw new Error(`the upstream was called ${upstream.calls.length - before} times instead of twice`)
        return { direct, proxied, directCall, proxiedCall, record }
      },
    }
  })
  afterAll(async () => {
    await pair?.upstream.close()
    await pair?.proxy.close(200)
  })
  return () => ready(pair)
}

/** Waits for the record that `run` leaves; fails when it leaves more than one. */
export function recorderOf(proxy: TestProxy): Pair['recordOf'] {
  return async (run) => {
    const before = proxy.exchanges.length
    const result = await run()
    await proxy.recorded(before + 1)
    const [record, second] = proxy.exchanges.slice(before)
    if (record === undefined || second !== undefined)
      throw new Error(`expected one record, got ${proxy.exchanges.length - before}`)
    return [record, result]
  }
}

/** Two simulated providers alike in everything: one is called directly, the other through the proxy. */
export type Twins = {
  readonly direct: Simulator
  readonly behind: Simulator
  readonly proxy: TestProxy
  readonly recordOf: Pair['recordOf']
}

const NOW = Date.UTC(2026, 10, 20, 12)

/** The same calls in the same order to both twins get the same bytes: same seed, same clock. */
export function simulatedTwins(options: SimulatorOptions = {}, changes: ProxyChanges = {}): () => Twins {
  let twins: Twins | undefined
  beforeAll(async () => {
    const direct = await startSimulator({ now: () => NOW, ...options })
    const behind = await startSimulator({ now: () => NOW, ...options })
    const proxy = await startProxy(behind.url, changes)
    twins = { direct, behind, proxy, recordOf: recorderOf(proxy) }
  })
  afterAll(async () => {
    await twins?.direct.close()
    await twins?.behind.close()
    await twins?.proxy.close(200)
  })
  return () => ready(twins)
}

function ready<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('used before its beforeAll ran')
  return value
}

/** Headers that say something about one connection only, and may differ from hop to hop. */
const OF_THE_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What of a response head must be the same: everything but the hop's own headers and ours. */
export function seenByClient(headers: readonly Header[]): readonly Header[] {
  return headers.filter(
    ([name]) => !OF_THE_HOP.has(name.toLowerCase()) && !name.toLowerCase().startsWith('x-understudy-'),
  )
}

/** What of a request head must be the same: everything but the hop's own headers, the host, and what is stripped by design. */
export function seenByUpstream(headers: readonly Header[]): readonly Header[] {
  return headers.filter(
    ([name]) =>
      !OF_THE_HOP.has(name.toLowerCase()) && !/^(host|content-length|expect|baggage|x-understudy-.*)$/i.test(name),
  )
}
