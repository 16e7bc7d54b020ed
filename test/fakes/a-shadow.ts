import { setImmediate as turn } from 'node:timers/promises'
import type { AnsweredPair } from '../../src/domain/answered.ts'
import type { Attempt } from '../../src/domain/exchange.ts'
import type { FunnelCount } from '../../src/domain/funnel.ts'
import type { Policy, PriceOverride } from '../../src/domain/policy.ts'
import { NO_MIRROR, type Mirror } from '../../src/domain/shadow/mirror.ts'
import type { Shadow } from '../../src/domain/shadow/shadow.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { createMirror, type MirrorOptions, type RunningMirror } from '../../src/shadow/mirror.ts'
import { outboundHeaders } from '../../src/upstream/headers.ts'
import { createPools } from '../../src/upstream/pools.ts'
import { createSend } from '../../src/upstream/send.ts'
import { createSlots } from '../../src/upstream/slots.ts'
import { type ProxyChanges, realWorld, startProxy, type TestProxy } from './proxy.ts'

const ONE_USD = 1_000_000_000_000n

/** A shadow that mirrors everything to `openai/candidate`; say only what the test is about. */
export function aShadow(changes: Partial<Shadow> = {}): Shadow {
  return {
    name: 'trial',
    isEnabled: true,
    dialect: 'openai',
    match: {},
    sample: 1,
    salt: 'trial',
    candidates: [{ key: 'openai/candidate', provider: 'openai', model: 'candidate' }],
    aaShare: 0,
    budget: { perHour: 100n * ONE_USD, perDay: 100n * ONE_USD },
    maxConcurrent: 4,
    maxQueued: 100,
    timeoutMs: 20_000,
    headroomFloor: 0,
    maxRequestBytes: 1_000_000,
    providers: undefined,
    redactsCandidate: false,
    streaming: true,
    ...changes,
  }
}

/** One USD per million tokens in, four out. */
export const A_PRICE: PriceOverride = {
  provider: '*',
  model: '*',
  rates: {
    uncachedInput: 1_000_000,
    cacheRead: 1_000_000,
    cacheWrite5m: 1_000_000,
    cacheWrite1h: 1_000_000,
    audioInput: 1_000_000,
    textOutput: 4_000_000,
    reasoning: 4_000_000,
    audioOutput: 4_000_000,
    webSearch: 0,
  },
}

/** What a mirror does, kept in memory. */
export type MirrorRecord = {
  readonly mirror: RunningMirror
  readonly pairs: readonly AnsweredPair[]
  readonly calls: readonly Attempt[]
  readonly rows: readonly FunnelCount[]
  /** How many requests came to a stage, for a reason where one is given. */
  readonly count: (stage: FunnelCount['stage'], reason?: string) => number
  /** Waits until the fate of `count` requests is known; fails with the funnel after ten seconds. */
  readonly settled: (count: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** A mirror over real sockets whose rows and pairs are kept. */
export function startMirror(state: MirrorOptions['state'], changes: Partial<MirrorOptions> = {}): MirrorRecord {
  const pools = createPools()
  const pairs: AnsweredPair[] = []
  const calls: Attempt[] = []
  const rows: FunnelCount[] = []
  const mirror = createMirror({
    state,
    instance: 'test',
    world: realWorld,
    log: {
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => {
        throw new Error(`${event} ${String(fields?.['bug'])}`)
      },
    },
    send: createSend(pools, createSlots(), realWorld.monotonic),
    outboundHeaders,
    price: createPriceBook(state.current().policy).price,
    knownModel: () => undefined,
    compare: (pair, settled) => {
      pairs.push(pair)
      settled('compared')
    },
    recordCall: (_exchange, attempt) => void calls.push(attempt),
    recordFunnel: (counts, release) => {
      rows.push(...counts)
      release()
    },
    liveQueue: () => 0,
    isComparingBehind: () => false,
    processes: 1,
    lateLoopMs: Number.POSITIVE_INFINITY, // the machine of a test may be short of time without saying anything of a proxy
    ...changes,
  })
  const count = (stage: FunnelCount['stage'], reason?: string): number =>
    mirror
      .totals()
      .filter((place) => place.stage === stage && (reason === undefined || place.reason === reason))
      .reduce((sum, { requests }) => sum + requests, 0)
  return {
    mirror,
    pairs,
    calls,
    rows,
    count,
    settled: async (wanted) => {
      const deadline = performance.now() + 10_000
      while (count('eligible') < wanted) {
        if (performance.now() > deadline) {
          throw new Error(`expected ${wanted} requests in the funnel, have ${JSON.stringify(mirror.totals())}`)
        }
        await turn()
      }
    },
    close: async () => {
      mirror.close()
      await pools.close()
    },
  }
}

/** A proxy in front of `upstreamUrl` whose policy has `shadows`, its server key set and everything priced. */
export async function startMirrored(
  upstreamUrl: string,
  shadows: readonly Shadow[],
  changes: ProxyChanges & { readonly mirror?: Partial<MirrorOptions>; readonly prices?: Policy['prices'] } = {},
): Promise<MirrorRecord & { readonly proxy: TestProxy }> {
  let running: Mirror = NO_MIRROR
  const proxy = await startProxy(upstreamUrl, {
    ...changes,
    provider: { apiKey: 'sk-server', auth: 'bearer', ...changes.provider },
    policy: { shadows, prices: changes.prices ?? [A_PRICE], ...changes.policy },
    stages: {
      mirror: {
        wants: (request, decision) => running.wants(request, decision),
        offer: (offered) => running.offer(offered),
      },
      ...changes.stages,
    },
  })
  const record = startMirror(proxy.state, changes.mirror)
  running = record.mirror
  return {
    ...record,
    proxy,
    close: async () => {
      await proxy.close()
      await record.close()
    },
  }
}
