import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { KeptReading } from '../../src/domain/kept-reading.ts'
import { createReadingRecorder } from '../../src/store/reading-recorder.ts'
import { SPOOLED_COLUMNS } from '../../src/store/spooled-columns.ts'
import { keepReadings } from '../../src/telemetry/keep-readings.ts'
import { aSpool } from '../fakes/a-spool.ts'
import { metricsWith, scrape, spool } from '../fakes/metrics-with.ts'
import { silentLog } from '../fakes/silent-log.ts'
import { sampleOf } from '../fakes/parse-exposition.ts'

const NOON = Date.UTC(2026, 10, 20, 12)

const busy = () =>
  metricsWith({
    providers: () => [{ provider: 'openai', inFlight: 3, queued: 0 }],
    headroom: () => [{ provider: 'openai', requests: 0.12, tokens: undefined }],
    spool: () => ({
      ...spool,
      rows: 40,
      bytes: 9_000,
      oldestAt: NOON - 90_000,
      droppedRows: { overCap: { traces: 4, attempts: 0 }, writeFailed: {} },
    }),
    writer: () => ({
      insertedRows: {},
      quarantinedRows: { pairs: 2, scores: 0 },
      deadRows: {},
      missingRows: {},
      retries: 0,
    }),
  })

test('what is kept are metrics, by their names, with their labels; counts of 0 are none', () => {
  const said = busy()
    .readings()
    .map(({ reading, subject, detail, value }) => [reading, subject, detail, value])
  expect(said).toEqual([
    ['understudy_in_flight_requests', 'openai', '', 3],
    ['understudy_queue_depth', 'openai', '', 0],
    ['understudy_provider_headroom_ratio', 'openai', 'requests', 0.12],
    ['understudy_spool_rows', '', '', 40],
    ['understudy_spool_bytes', '', '', 9_000],
    ['understudy_spool_max_bytes', '', '', 1_000_000],
    ['understudy_spool_oldest_unsent_seconds', '', '', 90],
    ['understudy_spool_dropped_rows_total', 'traces', 'over_cap', 4],
    ['understudy_spool_quarantined_rows_total', 'pairs', 'table', 2],
    ['understudy_event_loop_delay_p99_seconds', '', '', expect.any(Number)],
  ])
})

test('each says the same in a scrape', async () => {
  const metrics = busy()
  // But for the one that is about the time since it was last kept.
  const readings = metrics.readings().filter(({ reading }) => reading !== 'understudy_event_loop_delay_p99_seconds')
  const families = await scrape(metrics)
  for (const { reading, subject, detail, value } of readings) {
    const samples = families.get(reading)?.samples ?? []
    const same = samples.find(({ labels }) => Object.values(labels).join() === [subject, detail].filter(Boolean).join())
    expect([reading, same?.value]).toEqual([reading, value])
    expect(Object.keys(same?.labels ?? {}).length).toBeLessThanOrEqual(2)
  }
  expect(sampleOf(families, 'understudy_provider_headroom_ratio', { provider: 'openai', limit: 'tokens' })).toBe(
    undefined,
  )
})

test('they are read again and again until the process stops, which is the last thing that is said', async () => {
  const said: (readonly [at: number, names: readonly string[]])[] = []
  let reads = 0
  const keeper = await new Promise<ReturnType<typeof keepReadings>>((resolve) => {
    const started = keepReadings({
      read: (): readonly KeptReading[] => [{ reading: `read ${(reads += 1)}`, subject: '', detail: '', value: 1 }],
      record: (at, readings) => {
        said.push([at, readings.map(({ reading }) => reading)])
        if (said.length === 3) resolve(started)
      },
      world: { now: () => NOON },
      log: silentLog,
      everyMs: 2,
    })
  })
  keeper.stop()
  const atStop = said.length
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(said).toHaveLength(atStop)
  expect(said.slice(0, 2)).toEqual([
    [NOON, ['read 1']],
    [NOON, ['read 2']],
  ])
  expect(said.slice(-2)).toEqual([
    [NOON, [`read ${reads}`]],
    [NOON, ['stopped']],
  ])
})

test('a bug in a source costs a reading, not the process', async () => {
  const names: string[] = []
  let reads = 0
  const keeper = await new Promise<ReturnType<typeof keepReadings>>((resolve) => {
    const started = keepReadings({
      read: () => {
        reads += 1
        if (reads < 3) throw new TypeError('a bug in a gauge')
        return []
      },
      record: () => resolve(started),
      world: { now: () => NOON },
      log: { ...silentLog, error: (event) => void names.push(event) },
      everyMs: 2,
    })
  })
  keeper.close()
  expect(names).toEqual(['readings_failed', 'readings_failed'])
})

test('a reading is a row of its table; what is no number is none', async () => {
  const to = await aSpool({ columns: SPOOLED_COLUMNS })
  const record = createReadingRecorder(to, 'here')
  record(NOON + 0.7, [
    { reading: 'a_ratio', subject: 'openai', detail: 'tokens', value: 0.5 },
    { reading: 'of_nothing', subject: '', detail: '', value: Number.NaN },
  ])
  record(NOON, [{ reading: 'endless', subject: '', detail: '', value: Infinity }])
  to.seal()
  const [file = ''] = readdirSync(join(to.dir, 'proxy_readings'))
  expect(
    readFileSync(join(to.dir, 'proxy_readings', file), 'utf8')
      .trimEnd()
      .split('\n'),
  ).toEqual([
    '["at","instance","reading","subject","detail","value"]',
    `[${NOON},"here","a_ratio","openai","tokens",0.5]`,
  ])
})
