import { afterAll, beforeAll, expect, it } from 'vitest'
import { insertMonth, timePanels } from '../bench/panel-times.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.close())

// Of ten million `npm run bench:dashboards` tells.
it('every panel answers a day of a month of a million requests within 300 ms', async () => {
  const client = await engine.migrated()
  const end = await insertMonth(client, 1_000_000)
  const times = await timePanels(client, end)
  expect(times.length).toBeGreaterThan(70)
  expect(times.filter(({ medianMs }) => medianMs > 300)).toEqual([])
})
