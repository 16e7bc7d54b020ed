import { expect, test } from 'vitest'
import { targetLines } from '../../src/cli/show-targets.ts'
import { createMetricTotals } from '../../src/telemetry/metric-totals.ts'
import { aKeeper, answered, BROKEN, STARTED_AT, times, UNREACHABLE, untilProbe, WELL } from '../fakes/a-keeper.ts'
import { ask } from '../fakes/ask.ts'
import { metricsWith, scrape } from '../fakes/metrics-with.ts'
import { openAdmin } from '../fakes/open-admin.ts'
import { parseExposition, sampleOf } from '../fakes/parse-exposition.ts'

const LIMITS = [
  'x-ratelimit-limit-tokens',
  '1000',
  'x-ratelimit-remaining-tokens',
  '250',
  'x-ratelimit-reset-tokens',
  '6s',
]

/** A target that is out, one that asked to be left alone, and one whose provider cannot be reached. */
function troubled() {
  const one = aKeeper({ probeAfterMs: 4_000, probeAfterMaxMs: 4_000 })
  times(20, () => one.call({ ...WELL, durationMs: 10, isStream: true, firstTokenMs: 4, headers: LIMITS }))
  times(5, () => one.call(BROKEN))
  one.call({ ...answered(429, 'rate_limit', 30_000), key: 'openai/gpt-4o-mini' })
  times(5, () => one.call({ ...UNREACHABLE, key: 'second/*' }))
  return one
}

test('GET /admin/targets says of each target how it is, since when, why, and when the next probe is due', async () => {
  const one = troubled()
  const { port } = await openAdmin({ health: one.keeper.report })
  const { status, json } = await ask(port, '/admin/targets')
  expect(status).toBe(200)
  const outSince = new Date(STARTED_AT + 200).toISOString()
  expect(json).toEqual({
    targets: [
      {
        target: 'openai/gpt-4o',
        instance: 'here',
        state: 'open',
        outage: {
          // The first bad call of twenty-one was more than 5 %; two later it was five in a row.
          since: outSince,
          why: 'failures_in_a_row',
          next_probe_at: expect.stringMatching(/^2026-11-20T12:00:0[2-4]/),
          passed_probes: 0,
        },
        throttled_until: null,
        window: { calls: 25, failures: 5, error_rate: 0.2 },
        duration_ms: { p50: expect.closeTo(10, 0), p95: expect.closeTo(10, 0), p99: expect.closeTo(10, 0), calls: 20 },
        first_token_ms: { p50: expect.closeTo(4, 0), p95: expect.closeTo(4, 0), p99: expect.closeTo(4, 0), calls: 20 },
        headroom: {
          requests_remaining: null,
          requests_limit: null,
          tokens_remaining: 250,
          tokens_limit: 1_000,
          reset_at: new Date(STARTED_AT + 200 + 6_000).toISOString(),
          at: outSince,
        },
        active_calls: 0,
        changes: { healthy: 0, degraded: 1, open: 1, throttled: 0 },
      },
      {
        target: 'openai/gpt-4o-mini',
        instance: 'here',
        state: 'throttled',
        outage: null,
        throttled_until: new Date(STARTED_AT + 30_200).toISOString(),
        window: { calls: 0, failures: 0, error_rate: 0 },
        duration_ms: null,
        first_token_ms: null,
        headroom: null,
        active_calls: 0,
        changes: { healthy: 0, degraded: 0, open: 0, throttled: 1 },
      },
      expect.objectContaining({ target: 'second/*', state: 'open' }),
    ],
    providers: [
      {
        provider: 'openai',
        instance: 'here',
        state: 'healthy',
        outage: null,
        window: { calls: 26, failures: 0, error_rate: 0 },
        active_calls: 0,
      },
      expect.objectContaining({ provider: 'second', state: 'open' }),
    ],
  })
})

test('while a probe is under way there is no next one; a parameter is refused', async () => {
  const one = troubled()
  const { port } = await openAdmin({ health: one.keeper.report })
  untilProbe(one)
  one.keeper.begun('openai/gpt-4o', one.now())
  expect((await ask(port, '/admin/targets')).json).toMatchObject({
    targets: [{ state: 'open', outage: { next_probe_at: null }, active_calls: 1 }, {}, {}],
  })
  expect(await ask(port, '/admin/targets?state=open')).toMatchObject({ status: 400 })
})

test('understudy targets prints a line for each, with the reason', async () => {
  const one = troubled()
  const { port } = await openAdmin({ health: one.keeper.report })
  const [table = ''] = targetLines((await ask(port, '/admin/targets')).json)
  const cells = table
    .split('\n')
    .filter((line) => line.includes('/'))
    .map((line) => line.split('│').map((cell) => cell.trim()))
  expect(cells.map((row) => row.join(' | '))).toEqual([
    ' | openai/gpt-4o | open | failures_in_a_row since 2026-11-20T12:00:00.200Z | 25 | 20.0 % | 10.3 | 10.3 | 4 | 25.0 % | 0 | ',
    ' | openai/gpt-4o-mini | throttled | until 2026-11-20T12:00:30.200Z | 0 | 0.0 % |  |  |  |  | 0 | ',
    ' | second/* | open | failures_in_a_row since 2026-11-20T12:00:00.200Z; connections: failures_in_a_row since 2026-11-20T12:00:00.200Z | 5 | 100.0 % |  |  |  |  | 0 | ',
  ])
  expect(table).not.toContain('instance')
  expect(targetLines({ targets: [] })).toEqual(['No route names a target.'])
})

test('metrics have as many series as the config has targets, and one state for each of them', async () => {
  const one = troubled()
  times(50, () => one.call({ ...BROKEN, key: `openai/made-up-${one.now()}` }))
  const families = await scrape(metricsWith({ health: one.keeper.report }))
  const of = (family: string, labels: Readonly<Record<string, string>>) =>
    sampleOf(families, `understudy_target_${family}`, labels)
  const target = 'openai/gpt-4o'
  const states = ['healthy', 'degraded', 'open', 'throttled', 'probing']
  expect(states.map((state) => of('state', { target, state }))).toEqual([0, 0, 1, 0, 0])
  expect(families.get('understudy_target_state')?.samples).toHaveLength(3 * states.length)
  expect(of('changes_total', { target, state: 'open' })).toBe(1)
  expect([of('window_calls', { target }), of('window_failures', { target })]).toEqual([25, 5])
  expect(of('headroom_ratio', { target, limit: 'tokens' })).toBe(0.25)
  expect(families.get('understudy_target_headroom_ratio')?.samples).toHaveLength(1)
  expect(sampleOf(families, 'understudy_provider_connections_state', { provider: 'second', state: 'open' })).toBe(1)
})

test('of several workers, states add up, and the headroom is the least that one was told', async () => {
  const [one, other] = [troubled(), troubled()]
  untilProbe(other)
  const headers = LIMITS.map((text) => (text === '250' ? '100' : text))
  times(3, () => other.call({ ...WELL, headers }))
  const texts = [one, other].map(({ keeper }) => metricsWith({ health: keeper.report }).expose())
  const families = parseExposition(createMetricTotals().add(await Promise.all(texts)))
  const target = 'openai/gpt-4o'
  const inState = (state: string) => sampleOf(families, 'understudy_target_state', { target, state })
  expect([inState('healthy'), inState('open')]).toEqual([1, 1])
  expect(sampleOf(families, 'understudy_target_headroom_ratio', { target, limit: 'tokens' })).toBe(0.1)
})
