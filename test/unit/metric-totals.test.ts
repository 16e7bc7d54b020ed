import { describe, expect, it } from 'vitest'
import { createMetricTotals } from '../../src/telemetry/metric-totals.ts'
import { anExchange } from '../fakes/an-exchange.ts'
import { metricsWith, spool } from '../fakes/metrics-with.ts'
import { parseExposition, sampleOf } from '../fakes/parse-exposition.ts'

/** Metrics of a process that has answered so many requests. */
async function exposed(requests: number, inFlight = 0): Promise<string> {
  const metrics = metricsWith({
    providers: () => [{ provider: 'openai', inFlight, queued: 0 }],
    spool: () => ({ ...spool, rows: inFlight, oldestAt: Date.UTC(2026, 10, 20, 12) - inFlight * 1000 }),
    spoolMaxBytes: 1_000,
  })
  for (let request = 0; request < requests; request++) metrics.observe(anExchange())
  return metrics.expose()
}

describe('metrics of several processes', () => {
  it('add up counters, buckets and gauges, and write what they have read', async () => {
    const one = await exposed(3, 2)
    const totals = createMetricTotals()
    expect(parseExposition(totals.add([one]))).toEqual(parseExposition(one))

    const scraped = parseExposition(totals.add([one, await exposed(4, 5)]))
    const requests = [...(scraped.get('understudy_requests_total')?.samples ?? [])]
    expect(requests.map(({ value }) => value)).toEqual([7])
    const duration = scraped.get('understudy_request_duration_seconds')?.samples ?? []
    expect(duration.find(({ name }) => name.endsWith('_count'))?.value).toBe(7)
    expect(duration.find(({ labels }) => labels['le'] === '+Inf')?.value).toBe(7)
    expect(sampleOf(scraped, 'understudy_in_flight_requests', { provider: 'openai' })).toBe(7)
    expect(sampleOf(scraped, 'understudy_spool_rows')).toBe(7)
  })

  it('do not add up what is no amount: ages take the oldest, facts are those of the first', async () => {
    const scraped = parseExposition(createMetricTotals().add([await exposed(0, 2), await exposed(0, 5)]))
    expect(sampleOf(scraped, 'understudy_spool_oldest_unsent_seconds')).toBe(5)
    expect(sampleOf(scraped, 'understudy_spool_max_bytes')).toBe(1_000)
    expect(sampleOf(scraped, 'understudy_config_file_in_force')).toBe(1)
    expect(sampleOf(scraped, 'understudy_build_info', { version: '0.1.0', node_version: 'v24.21.0' })).toBe(1)
    const started = sampleOf(scraped, 'process_start_time_seconds') ?? 0
    expect(started * 1000).toBeLessThan(1.5 * Date.now()) // a sum would be twice as much
  })

  it('keep the counts of a process that is gone, and forget its gauges', async () => {
    const totals = createMetricTotals()
    totals.retire(await exposed(5, 3))
    totals.retire(await exposed(1))
    const scraped = parseExposition(totals.add([await exposed(0), await exposed(2, 1)]))
    expect(scraped.get('understudy_requests_total')?.samples.map(({ value }) => value)).toEqual([8])
    expect(sampleOf(scraped, 'understudy_in_flight_requests', { provider: 'openai' })).toBe(1)
  })

  it('keep series apart that differ in one character of a label', () => {
    const text = (label: string, value: number): string =>
      `# HELP a_total A count.\n# TYPE a_total counter\na_total{model="${label}"} ${value}\n`
    const scraped = createMetricTotals().add([text('x y', 1), text('x  y', 2), text('x\\" 3', 4), text('x y', 8)])
    expect(scraped.split('\n').slice(2, -1)).toEqual([
      'a_total{model="x y"} 9',
      'a_total{model="x  y"} 2',
      'a_total{model="x\\" 3"} 4',
    ])
  })
})
