import { expect, test } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { watchedProxies, type WatchedProxy } from '../fakes/a-watched-proxy.ts'

const start = watchedProxies()

/** Providers that were called for a request, in order. */
const calledBy = ({ attempts }: Exchange): readonly string[] => attempts.map(({ target }) => target.provider)

async function askTimes({ ask }: WatchedProxy, count: number): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let done = 0; done < count; done++) statuses.push(await ask())
  return statuses
}

/** Who was called for each of the next `count` requests. */
async function placesOf(watched: WatchedProxy, count: number): Promise<readonly (readonly string[])[]> {
  watched.proxy.takeRecords()
  expect(new Set(await askTimes(watched, count))).toEqual(new Set([200]))
  return (await watched.proxy.recorded(count)).map(calledBy)
}

/** No probe is due before the clock jumps, however slow the machine is. */
const PROBES_ON_DEMAND = 'health: { probe_after: 1m, probe_after_max: 1m }\n'
const MINUTE_MS = 60_000

const BOTH = ['openai', 'spare-openai']
const SPARE = ['spare-openai']
const PRIMARY = ['openai']

test('an outage: five clients are served by the fallback, the others go there at once, three probes bring it back', async () => {
  const watched = await start(PROBES_ON_DEMAND)
  watched.break('status@500')
  expect(await placesOf(watched, 8)).toEqual([BOTH, BOTH, BOTH, BOTH, BOTH, SPARE, SPARE, SPARE])
  expect(watched.proxy.exchanges.at(-1)?.decision).toMatchObject({
    rejected: [{ target: 'openai/*', why: 'breaker_open' }],
  })
  expect(watched.report()).toMatchObject({ state: 'open', outage: { why: 'failures_in_a_row', passedProbes: 0 } })
  // Still broken: one request probes, and no other until the next is due.
  watched.skip(MINUTE_MS)
  expect(await placesOf(watched, 3)).toEqual([BOTH, SPARE, SPARE])
  watched.mend()
  watched.skip(MINUTE_MS)
  expect(await placesOf(watched, 5)).toEqual([PRIMARY, PRIMARY, PRIMARY, PRIMARY, PRIMARY])
  expect(watched.report()).toMatchObject({ state: 'healthy', window: { calls: 2, failures: 0 } })
})

test('one request at a time probes; those that come meanwhile go to the fallback', async () => {
  const watched = await start(PROBES_ON_DEMAND)
  watched.break('status@500')
  await askTimes(watched, 5)
  watched.primary.setModel('m', { faults: [], firstByteMs: 1_500, firstTokenMs: 1_500 })
  watched.skip(MINUTE_MS)
  watched.proxy.takeRecords()
  const arrived = watched.primary.nextRequest()
  const probe = watched.ask()
  await arrived
  expect(watched.report().outage?.nextProbeAt).toBeUndefined()
  expect(await Promise.all(Array.from({ length: 20 }, () => watched.ask()))).toEqual(Array(20).fill(200))
  expect(await probe).toBe(200)
  const places = (await watched.proxy.recorded(21)).map(calledBy)
  expect(places.filter(([first]) => first === 'openai')).toEqual([PRIMARY])
})

test('a brown-out: the target is left for last, no client notices, and it is back when it has recovered', async () => {
  const watched = await start('health: { consecutive_failures: 50, probe_after: 1m, probe_after_max: 1m }\n')
  watched.break('status@503', 0.3)
  const places = await placesOf(watched, 100)
  const tried = places.filter(([first]) => first === 'openai')
  expect(tried.length).toBeGreaterThanOrEqual(20)
  expect(tried.length).toBeLessThan(60)
  expect(watched.report()).toMatchObject({ state: 'degraded', outage: { why: 'error_rate' } })
  watched.mend()
  watched.skip(MINUTE_MS)
  expect(await placesOf(watched, 4)).toEqual([PRIMARY, PRIMARY, PRIMARY, PRIMARY])
  expect(watched.report().state).toBe('healthy')
})

test('flapping: each return that does not last makes the next probe wait longer', async () => {
  const watched = await start('health: { probe_after: 1s, probe_after_max: 1m }\n')
  const waits: number[] = []
  for (let round = 0; round < 5; round++) {
    watched.break('cut')
    expect(new Set(await askTimes(watched, 6))).toEqual(new Set([200]))
    const { outage } = watched.report()
    waits.push((outage?.nextProbeAt ?? 0) - (outage?.since ?? 0))
    watched.mend()
    watched.skip(60_000)
    expect(new Set(await askTimes(watched, 3))).toEqual(new Set([200]))
    expect(watched.report().state).toBe('healthy')
  }
  for (const [round, waited] of waits.entries()) {
    expect(waited).toBeGreaterThanOrEqual(500 * 2 ** round - 2)
    expect(waited).toBeLessThanOrEqual(1_000 * 2 ** round + 2)
  }
  expect(watched.report().changes).toMatchObject({ open: 5, healthy: 5 })
})

test('a storm of 429: one call for each time that the provider asks to be left alone, and no breaker', async () => {
  const watched = await start()
  watched.break('status@429, retry-after@20')
  for (let storm = 0; storm < 3; storm++) {
    expect(await placesOf(watched, 5)).toEqual([BOTH, SPARE, SPARE, SPARE, SPARE])
    expect(watched.report()).toMatchObject({ state: 'throttled', outage: undefined })
    watched.skip(20_000)
  }
  expect(watched.proxy.exchanges.at(-1)?.decision).toMatchObject({
    rejected: [{ target: 'openai/*', why: 'throttled' }],
  })
  watched.mend()
  expect(await placesOf(watched, 2)).toEqual([PRIMARY, PRIMARY])
  expect(watched.report()).toMatchObject({ state: 'healthy', changes: { throttled: 1, open: 0 } })
})

test('first tokens that do not come shut a target out as errors do', async () => {
  const watched = await start('', '{ first_token_timeout: 50ms }')
  watched.break('hang')
  for (let call = 0; call < 5; call++) expect(await watched.ask({ stream: true })).toBe(200)
  expect(watched.report()).toMatchObject({ state: 'open', window: { calls: 5, failures: 5 } })
})

test('errors of the client leave a target as it is', async () => {
  const watched = await start()
  watched.break('status@400')
  expect(new Set(await askTimes(watched, 30))).toEqual(new Set([400]))
  expect(watched.report()).toMatchObject({ state: 'healthy', window: { calls: 0 } })
})

test('the primary is killed under 200 requests and comes back: no client fails, and it is in use within ten seconds', async () => {
  const watched = await start()
  watched.primary.setModel('m', { firstByteMs: 5_000, firstTokenMs: 5_000 })
  const asked = Array.from({ length: 200 }, () => watched.ask())
  while (watched.primary.counters.received < 200) await watched.primary.nextRequest()
  await watched.primary.close()
  expect(new Set(await Promise.all(asked))).toEqual(new Set([200]))
  expect((await watched.proxy.recorded(200)).map(calledBy)).toEqual(Array(200).fill(BOTH))
  expect(watched.report().outage?.why).toBe('failures_in_a_row')
  // It stays away for so long that probes wait as long as they ever do.
  for (let probe = 0; probe < 5; probe++) {
    watched.skip(5_000)
    expect(await watched.ask()).toBe(200)
  }
  expect(watched.keeper.report().providers[0]).toMatchObject({
    provider: 'openai',
    outage: { why: 'failures_in_a_row' },
  })

  const back = await startSimulator({ models: [aModel('m')], port: watched.primary.port })
  const backAt = performance.now()
  try {
    while (watched.report().state !== 'healthy') {
      expect(performance.now() - backAt).toBeLessThan(10_000)
      expect(await watched.ask()).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(await placesOf(watched, 3)).toEqual([PRIMARY, PRIMARY, PRIMARY])
  } finally {
    await back.close()
  }
}, 30_000)
