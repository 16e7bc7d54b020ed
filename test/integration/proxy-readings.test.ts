import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALERTS } from '../../dashboards/alerts.ts'
import { systemWorld } from '../../src/compose.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { startApp, type TestApp } from '../fakes/an-app.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { asAlertSends } from '../fakes/grafana-query.ts'
import { parseExposition, sampleOf } from '../fakes/parse-exposition.ts'
import { plain, startRawUpstream, type RawUpstream } from '../fakes/raw-upstream.ts'
import { aStoreDoor, type StoreDoor } from '../fakes/store-door.ts'

const PATIENCE = { timeout: 30_000, interval: 100 }
const OLDEST = 'understudy_spool_oldest_unsent_seconds'
const LIMITS = [
  'x-ratelimit-limit-requests: 100',
  'x-ratelimit-remaining-requests: 12',
  'x-ratelimit-reset-requests: 6m0s',
  'x-ratelimit-limit-tokens: 40000',
  'x-ratelimit-remaining-tokens: 30000',
]

let engine: TestEngine
let door: StoreDoor
let provider: RawUpstream
let app: TestApp
let reader: StoreClient

beforeAll(async () => {
  engine = await startTestEngine()
  door = await aStoreDoor(engine.engine.port)
  provider = await startRawUpstream()
  const head = ['HTTP/1.1 200 OK', 'content-type: application/json', ...LIMITS].join('\r\n')
  provider.serve(async (call) => {
    await call.body
    await call.write(plain('{"choices":[]}', head))
  })
  const store = { kind: 'url', url: door.url, username: 'app', password: 'app', database: 'understudy' }
  const providers = { openai: { dialect: 'openai', base_url: provider.url, rate_limit_headers: 'openai' } }
  app = await startApp({ store, providers }, systemWorld, { readingsEveryMs: 200 })
  reader = engine.reader()
})
afterAll(async () => {
  await app?.close()
  await provider?.close()
  await door?.close()
  await engine?.close()
})

const settings = { output_format_json_quote_64bit_integers: 0 } as const
const asked = async (sql: string): Promise<readonly unknown[]> =>
  (await reader.ask(sql, { settings, maxBytes: 100_000 })).rows

const call = async (): Promise<void> => {
  const answer = await fetch(`${app.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }),
  })
  await answer.text()
  expect(answer.status).toBe(200)
}

const metric = async (name: string, labels = {}): Promise<number | undefined> =>
  sampleOf(parseExposition(await (await fetch(`${app.adminUrl}/metrics`)).text()), name, labels)

/** Rows that the alert has for a moment so many seconds from now. */
const alarms = async (inSeconds: number): Promise<readonly unknown[]> => {
  const alert = ALERTS.find(({ uid }) => uid === 'understudy-spool')
  const to = new Date(Date.now() + inSeconds * 1000)
  return asked(asAlertSends(alert?.sql ?? '', { from: new Date(to.getTime() - 3_600_000), to, intervalMs: 60_000 }))
}

it('keeps what a provider says is left of its limits, though no route names it, as the metrics have it', async () => {
  await call()
  const said = `SELECT DISTINCT instance, subject, detail, value FROM proxy_readings WHERE reading = 'understudy_provider_headroom_ratio' ORDER BY detail`
  await expect
    .poll(() => asked(said), PATIENCE)
    .toEqual([
      ['test', 'openai', 'requests', 0.12],
      ['test', 'openai', 'tokens', 0.75],
    ])
  const answer = await fetch(`${app.adminUrl}/admin/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/sql' },
    body: 'SELECT at, instance, reading, subject, detail, value FROM proxy_readings LIMIT 1',
  })
  expect(answer.status).toBe(200)
  expect(await metric('understudy_provider_headroom_ratio', { provider: 'openai', limit: 'requests' })).toBe(0.12)
})

it('tells after an outage what had waited during it, and meanwhile by its silence', async () => {
  await door.make('refused')
  for (let calls = 0; calls < 20; calls += 1) await call()
  await expect.poll(() => metric(OLDEST), PATIENCE).toBeGreaterThan(1.5)
  const waiting = await metric('understudy_spool_rows')
  expect(waiting).toBeGreaterThanOrEqual(40)
  // Nothing of it can be known yet, but that nothing comes.
  expect(await asked(`SELECT count() FROM proxy_readings WHERE reading = '${OLDEST}' AND value > 1.4`)).toEqual([[0]])
  expect(await alarms(600)).toEqual([['test', expect.closeTo(602, -1)]])

  await door.make('open')
  await expect.poll(() => metric('understudy_spool_rows'), PATIENCE).toBeLessThan(20)
  const worst = (reading: string) => `SELECT max(value) FROM proxy_readings WHERE reading = '${reading}'`
  await expect.poll(async () => Number(await asked(worst(OLDEST)).then(String)), PATIENCE).toBeGreaterThan(1.4)
  expect(Number(String(await asked(worst('understudy_spool_rows'))))).toBeGreaterThanOrEqual(40)
})

it('bids farewell when it stops in good order, and no alert takes that for rows that wait', async () => {
  expect(await alarms(600)).toHaveLength(1)
  await app.close()
  expect(await asked("SELECT count() FROM proxy_readings WHERE reading = 'stopped'")).toEqual([[1]])
  expect(await alarms(600)).toEqual([])
})
