import { setImmediate as turn } from 'node:timers/promises'
import { randomUUIDv7 } from 'node:crypto'
import { createCell } from '../../src/domain/cell.ts'
import { createArmPins } from '../../src/domain/rollout/arm-pins.ts'
import type { Exchange } from '../../src/domain/exchange.ts'
import type { Policy, Provider } from '../../src/domain/policy.ts'
import type { Dialect } from '../../src/domain/request.ts'
import type { Cell, Observer, Propagate, World } from '../../src/domain/ports.ts'
import { NO_HEALTH } from '../../src/domain/routing/no-health.ts'
import { NO_MIRROR } from '../../src/domain/shadow/mirror.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import { openGateway } from '../../src/gateway/server.ts'
import type { Patience } from '../../src/gateway/server.ts'
import type { Stages } from '../../src/gateway/stages.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { inboundHeaders, outboundHeaders } from '../../src/upstream/headers.ts'
import { createPassThrough } from '../../src/upstream/passthrough.ts'
import { createPools } from '../../src/upstream/pools.ts'
import { createSend } from '../../src/upstream/send.ts'
import { createSlots } from '../../src/upstream/slots.ts'
import type { SlotUse } from '../../src/upstream/slots.ts'
import { aPolicy, aProvider } from './a-provider.ts'
import { withStandIn } from './stand-in.ts'

export const realWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  newId: () => randomUUIDv7(),
}

/** The request path over real sockets, with the record kept in memory instead of in the spool. */
export type TestProxy = {
  readonly url: string
  readonly port: number
  readonly state: Cell<RoutingState>
  /** Every record so far, oldest first. */
  readonly exchanges: readonly Exchange[]
  /** Waits until `count` records exist; fails with what there is after `timeoutMs`. */
  readonly recorded: (count: number, timeoutMs?: number) => Promise<readonly Exchange[]>
  /** Takes away the records so far, so that a long test does not keep them all. */
  readonly takeRecords: () => readonly Exchange[]
  readonly slotUse: () => readonly SlotUse[]
  readonly badFramings: () => number
  readonly errors: readonly string[]
  readonly close: (deadlineMs?: number) => Promise<number>
}

export type ProxyChanges = {
  readonly provider?: Partial<Provider>
  /** A provider for each, of the dialect's own name; OpenAI and Anthropic unless said otherwise. */
  readonly dialects?: readonly Dialect[]
  readonly policy?: Partial<Policy>
  readonly patience?: Patience
  readonly observe?: Observer
  readonly propagate?: Propagate
  /** What stands in for stages of the request path, to see what becomes of a bug in one. */
  readonly stages?: Partial<Stages>
  /** Stands between the record, which is kept in any case, and the release of the last bytes. */
  readonly holdRelease?: (exchange: Exchange, release: () => void) => void
}

/** Starts the proxy in front of one origin that speaks every dialect. */
export async function startProxy(upstreamUrl: string, changes: ProxyChanges = {}): Promise<TestProxy> {
  const baseUrl = new URL(upstreamUrl)
  const providers = (changes.dialects ?? ['openai', 'anthropic']).map((dialect) =>
    aProvider({
      name: dialect,
      dialect,
      pricedAs: dialect === 'gemini' ? 'google' : dialect,
      supportsIncludeUsage: dialect === 'openai',
      baseUrl,
      ...changes.provider,
    }),
  )
  const policy = aPolicy(providers, changes.policy)
  const state = createCell<RoutingState>({ policy: withStandIn(policy), policyVersion: 'test' })
  const exchanges: Exchange[] = []
  const errors: string[] = []
  let badFramings = 0
  let isDraining = false
  const pools = createPools()
  const slots = createSlots()
  const gateway = await openGateway(
    { host: '127.0.0.1', port: 0 },
    {
      world: realWorld,
      state,
      send: createSend(pools, slots, realWorld.monotonic),
      outboundHeaders,
      inboundHeaders,
      passThrough: createPassThrough(slots, realWorld.monotonic),
      price: createPriceBook(state.current().policy).price,
      health: NO_HEALTH,
      knownModel: () => undefined,
      armPins: createArmPins(),
      recorder: {
        record: (exchange, release) => {
          exchanges.push(exchange)
          if (changes.holdRelease === undefined) setImmediate(release)
          else changes.holdRelease(exchange, release)
        },
      },
      mirror: NO_MIRROR,
      answerOwn: async () => undefined,
      observe: changes.observe ?? (() => undefined),
      propagate: changes.propagate ?? (() => undefined),
      log: {
        info: () => undefined,
        warn: () => undefined,
        error: (event, fields) => void errors.push(`${event} ${JSON.stringify(fields)}`),
      },
      isDraining: () => isDraining,
      onBadFraming: () => badFramings++,
      maxConnections: Infinity,
      onConnectionRefused: () => undefined,
      ...changes.stages,
    },
    changes.patience,
  )
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    port: gateway.port,
    state,
    exchanges,
    recorded: async (count, timeoutMs = 10_000) => {
      const deadline = performance.now() + timeoutMs
      while (exchanges.length < count) {
        if (performance.now() > deadline)
          throw new Error(
            `expected ${count} records, have ${JSON.stringify(exchanges.map((e) => [e.request.path, e.outcome]))}`,
          )
        await turn()
      }
      return exchanges
    },
    takeRecords: () => exchanges.splice(0),
    slotUse: slots.use,
    badFramings: () => badFramings,
    errors,
    close: async (deadlineMs = 2000) => {
      isDraining = true
      const cut = await gateway.close(deadlineMs)
      await pools.close()
      return cut
    },
  }
}
