import { performance } from 'node:perf_hooks'
import { DEFAULT_HEALTH } from '../../src/domain/routing/health-policy.ts'
import { targetsOf } from '../../src/domain/routing/router.ts'
import { createHealthKeeper } from '../../src/health/keep-health.ts'
import { endedCall } from '../fakes/a-keeper.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { realWorld } from '../fakes/real-world.ts'

/**
 * What keeping the health of targets costs, in nanoseconds: `view` at a decision, `begun` and `ended` for a call, good
 * and bad, and the bytes that a good call leaves for the collector. 60 targets; the best of nine rounds counts, so that
 * what others do on the machine is left out.
 */
const CALLS = 200_000
const ROUNDS = 9

const names = Array.from({ length: 60 }, (_, index) => `${index % 2 === 0 ? 'openai' : 'second'}/m${index}`)
const policy = {
  ...aRoutingState(`routes:\n  r: { strategy: balance, targets: [${names.join(', ')}] }\n`).policy,
  health: DEFAULT_HEALTH,
}
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const keeper = createHealthKeeper({ policy, world: realWorld, instance: 'bench', log })
const keys = policy.routing.routes.flatMap(targetsOf).map(({ key }) => key)
const [first = '', ...others] = keys
const headers = Array.from({ length: 24 }, (_, index) => `h${index}`)
const good = { ...endedCall({ key: first, durationMs: 812, firstTokenMs: 140, isStream: true, headers }), endedAt: 0 }
const failed = { kind: 'refused', status: 500, error: 'upstream_error', errorType: undefined } as const
const bad = { ...good, outcome: failed, fault: { trigger: 'error', retryAfterMs: undefined } as const }

let now = 0
/** A thousand calls a second. */
const tick = (): number => (now += 1)

const three = [first, ...others.slice(0, 2)]
measure('view of 3 targets, all well', () => keeper.view(three, tick()))
measure('view of 60 targets, all well', () => keeper.view(keys, tick()))
measure('begun', () => keeper.begun(first, tick()))
measure('ended, good', () => {
  good.endedAt = tick()
  keeper.ended(good)
})
measure('ended, bad, breaker open', () => {
  bad.endedAt = tick()
  keeper.ended(bad)
})
measure('view of 3 targets, one out', () => keeper.view(three, tick()))
measure('a report of all', () => keeper.report(), 2_000)

function measure(what: string, act: () => unknown, calls = CALLS): void {
  let bestNs = Infinity
  let leastBytes = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.memoryUsage().heapUsed
    const startedAt = performance.now()
    for (let call = 0; call < calls; call++) act()
    bestNs = Math.min(bestNs, ((performance.now() - startedAt) * 1e6) / calls)
    const bytes = (process.memoryUsage().heapUsed - before) / calls
    if (bytes >= 0) leastBytes = Math.min(leastBytes, bytes)
  }
  console.log(`${what.padEnd(32)} ${bestNs.toFixed(0).padStart(7)} ns ${leastBytes.toFixed(0).padStart(6)} bytes`)
}
