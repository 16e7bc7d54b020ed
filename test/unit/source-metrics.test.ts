import { describe, expect, it } from 'vitest'
import { config, metricsWith, scrape, spool } from '../fakes/metrics-with.ts'
import { sampleOf } from '../fakes/parse-exposition.ts'

describe('metrics read at the scrape', () => {
  it('show what the other rooms say at that moment', async () => {
    let providers = [
      { provider: 'openai', inFlight: 3, queued: 2 },
      { provider: 'gone-after-reload', inFlight: 1, queued: 0 },
    ]
    const metrics = metricsWith({
      providers: () => providers,
      spool: () => ({
        ...spool,
        rows: 12,
        bytes: 3_400,
        oldestAt: Date.UTC(2026, 10, 20, 12) - 1_500,
        droppedRows: { overCap: { traces: 4, attempts: 5 }, writeFailed: { traces: 6 } },
        syncFailures: 2,
      }),
      notBuiltRows: () => ({ traces: 7, attempts: 8 }),
      writer: () => ({
        insertedRows: { traces: 100, attempts: 110 },
        quarantinedRows: { traces: 1 },
        deadRows: { attempts: 2 },
        missingRows: { traces: 3 },
        retries: 8,
      }),
      isStoreUp: () => false,
      config: () => ({ ...config, rejected: { faults: [], since: 0 }, restartNeeded: ['listen', 'store'] }),
      droppedLogLines: () => 9,
    })
    await scrape(metrics)
    providers = [{ provider: 'openai', inFlight: 4, queued: 0 }]
    const families = await scrape(metrics)
    const read = (name: string, labels?: Record<string, string>) => sampleOf(families, name, labels)
    expect(families.get('understudy_in_flight_requests')?.samples).toEqual([
      { name: 'understudy_in_flight_requests', labels: { provider: 'openai' }, value: 4 },
    ])
    expect(read('understudy_queue_depth', { provider: 'openai' })).toBe(0)
    expect(read('understudy_spool_rows')).toBe(12)
    expect(read('understudy_spool_bytes')).toBe(3_400)
    expect(read('understudy_spool_max_bytes')).toBe(1_000_000)
    expect(read('understudy_spool_oldest_unsent_seconds')).toBe(1.5)
    // Totals are read, not added up: a second scrape must not double them.
    const dropped = 'understudy_spool_dropped_rows_total'
    expect(read(dropped, { table: 'traces', reason: 'over_cap' })).toBe(4)
    expect(read(dropped, { table: 'attempts', reason: 'over_cap' })).toBe(5)
    expect(read(dropped, { table: 'traces', reason: 'write_failed' })).toBe(6)
    expect(read(dropped, { table: 'traces', reason: 'power_loss' })).toBe(3)
    expect(read(dropped, { table: 'attempts', reason: 'not_built' })).toBe(8)
    const quarantined = 'understudy_spool_quarantined_rows_total'
    expect(read(quarantined, { table: 'traces', kept_in: 'table' })).toBe(1)
    expect(read(quarantined, { table: 'attempts', kept_in: 'files' })).toBe(2)
    expect(read('understudy_spool_sync_failures_total')).toBe(2)
    expect(read('understudy_store_inserted_rows_total', { table: 'attempts' })).toBe(110)
    expect(read('understudy_store_insert_retries_total')).toBe(8)
    expect(read('understudy_config_last_applied_timestamp_seconds')).toBe(1_763_640_000.5)
    expect(read('understudy_config_file_in_force')).toBe(0)
    expect(read('understudy_config_restart_needed')).toBe(2)
    expect(read('understudy_log_dropped_lines_total')).toBe(9)
    expect(read('understudy_store_up', { store: 'clickhouse' })).toBe(0)
    expect(read('understudy_build_info', { version: '0.1.0', node_version: 'v24.21.0' })).toBe(1)
    expect(read('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(families.has('nodejs_eventloop_lag_p99_seconds')).toBe(true)
  })

  it('say nothing about a store that is not configured', async () => {
    expect((await scrape(metricsWith())).get('understudy_store_up')?.samples).toEqual([])
  })

  it('count spans by what became of them, and say nothing while none are exported', async () => {
    const families = await scrape(metricsWith({ spans: () => ({ exported: 7, failed: 2, dropped: 3, waiting: 4 }) }))
    const result = (value: string) => sampleOf(families, 'understudy_spans_total', { result: value })
    expect([result('exported'), result('failed'), result('dropped')]).toEqual([7, 2, 3])
    expect(sampleOf(families, 'understudy_spans_waiting', { exporter: 'otlp' })).toBe(4)
    const off = await scrape(metricsWith())
    expect(off.get('understudy_spans_total')?.samples).toEqual([])
    expect(off.get('understudy_spans_waiting')?.samples).toEqual([])
  })

  it('measure inserts by table and result', async () => {
    const metrics = metricsWith()
    metrics.observeInsert({ table: 'traces', result: 'stored', durationMs: 12 })
    metrics.observeInsert({ table: 'traces', result: 'unavailable', durationMs: 5_000 })
    const families = await scrape(metrics)
    const stored = { table: 'traces', result: 'stored' }
    expect(sampleOf(families, 'understudy_store_insert_duration_seconds_bucket', { ...stored, le: '0.01' })).toBe(0)
    expect(sampleOf(families, 'understudy_store_insert_duration_seconds_bucket', { ...stored, le: '0.025' })).toBe(1)
  })

  it('tell whose weights are frozen, and how many decisions were written down', async () => {
    const route = (name: string, verdict: 'held' | 'frozen') => ({
      route: name,
      mode: 'apply' as const,
      verdict,
      detail: '',
      at: 0,
    })
    const families = await scrape(
      metricsWith({
        feedback: () => ({
          routes: [route('chat', 'held'), route('code', 'frozen')],
          decisions: [{ route: 'chat', kind: 'applied', count: 3 }],
        }),
      }),
    )
    expect(sampleOf(families, 'understudy_feedback_frozen', { route: 'chat' })).toBe(0)
    expect(sampleOf(families, 'understudy_feedback_frozen', { route: 'code' })).toBe(1)
    const decisions = { route: 'chat', kind: 'applied' }
    expect(sampleOf(families, 'understudy_feedback_decisions_total', decisions)).toBe(3)
  })

  it('count what became of each look at the config', async () => {
    const metrics = metricsWith()
    metrics.countReload('applied', 'file')
    metrics.countReload('rejected', 'admin')
    metrics.countReload('rejected', 'admin')
    const families = await scrape(metrics)
    const name = 'understudy_config_reloads_total'
    expect(sampleOf(families, name, { result: 'applied', trigger: 'file' })).toBe(1)
    expect(sampleOf(families, name, { result: 'rejected', trigger: 'admin' })).toBe(2)
  })

  it('show no age of an oldest row that is written later than now: the clock was set back', async () => {
    const oldestAt = Date.UTC(2026, 10, 20, 13)
    const metrics = metricsWith({ spool: () => ({ ...spool, oldestAt }) })
    expect(sampleOf(await scrape(metrics), 'understudy_spool_oldest_unsent_seconds')).toBe(0)
  })

  it('count connections that were not HTTP, and show zero before the first', async () => {
    const metrics = metricsWith()
    expect(sampleOf(await scrape(metrics), 'understudy_bad_framing_total')).toBe(0)
    metrics.countBadFraming()
    expect(sampleOf(await scrape(metrics), 'understudy_bad_framing_total')).toBe(1)
  })

  it('count observers that threw', async () => {
    const metrics = metricsWith()
    metrics.countObserverFailure()
    expect(sampleOf(await scrape(metrics), 'understudy_observer_failures_total')).toBe(1)
  })
})
