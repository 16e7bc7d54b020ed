import { afterAll, beforeAll, expect, it } from 'vitest'
import { rendezvous } from '../../src/domain/assign.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { startRoutedRun, type RoutedRun } from '../fakes/routed-run.ts'
import { runCli } from '../fakes/run-cli.ts'

const SESSIONS = 400

let engine: TestEngine
let run: RoutedRun
beforeAll(async () => {
  engine = await startTestEngine()
  run = await startRoutedRun(engine, 'replayed')
})
afterAll(async () => {
  await run?.close()
  await engine?.close()
})

it('a share of 20 % instead of 10 moves only the units it must, on two proxies and under load', async () => {
  await run.sendCanary(SESSIONS * 2, SESSIONS)
  await Promise.all([run.sendCanary(SESSIONS * 8, SESSIONS), run.setShare(20)])
  await run.sendCanary(SESSIONS * 2, SESSIONS)
  await run.drained()

  // One row per unit: which targets it had before the change and after it, as every single row says.
  const [moves] = await run.rows<Record<string, number>>(`
    SELECT count() AS units, max(length(before)) AS targets_before, max(length(after)) AS targets_after,
      countIf(before = ['b']) AS had, countIf(after = ['b']) AS have,
      countIf(before = ['b'] AND after != ['b']) AS lost, countIf(before = ['a'] AND after = ['b']) AS moved
    FROM (
      SELECT unit, groupUniqArrayIf(targets[1].model, overlay_revision = '') AS before,
        groupUniqArrayIf(targets[1].model, overlay_revision != '') AS after
      FROM traces WHERE route = 'canary' GROUP BY unit HAVING length(before) > 0 AND length(after) > 0)`)
  console.log(`units and moves: ${JSON.stringify(moves)}`)
  if (moves === undefined) throw new Error('no rows')
  expect(moves['units']).toBe(SESSIONS)
  expect(moves).toMatchObject({ targets_before: 1, targets_after: 1, lost: 0 })
  expect(moves['moved']).toBe((moves['have'] ?? 0) - (moves['had'] ?? 0))
  // 10 % and 20 % of 400 within four standard deviations.
  expect(Math.abs((moves['had'] ?? 0) - 40)).toBeLessThan(24)
  expect(Math.abs((moves['have'] ?? 0) - 80)).toBeLessThan(32)

  const rows = await run.rows<{ unit: string; model: string; revision: string; instances: number }>(`
    SELECT unit, targets[1].model AS model, overlay_revision AS revision, uniqExact(instance) AS instances
    FROM traces WHERE route = 'canary' GROUP BY unit, model, revision`)
  expect(rows.length).toBe(SESSIONS * 2 + rows.filter(({ revision }) => revision.includes('+')).length)
  for (const { unit, model, revision } of rows) {
    const share = revision === '' ? 10 : 20
    const choices = [
      { key: 'openai/a', weight: 100 - share, value: 'a' },
      { key: 'second/b', weight: share, value: 'b' },
    ]
    expect([unit, revision, model]).toEqual([unit, revision, rendezvous('canary', unit, choices)])
  }
  expect(rows.filter(({ instances }) => instances === 2).length).toBeGreaterThan(SESSIONS)
})

it('every stored trace that a route decided is decided alike again from its row, policy and live changes', async () => {
  await run.sendMixed(400)
  await run.setShare(35)
  await run.sendMixed(400)
  await run.drained()
  const [stored] = await run.rows<{ n: number; routes: string[]; refused: number; ill: number }>(`
    SELECT countIf(decision_inputs != '') AS n, arraySort(groupUniqArray(route)) AS routes, countIf(refused != '') AS refused,
      countIf(arrayExists(one -> one.why IN ('degraded', 'breaker_open'), rejected)) AS ill
    FROM traces`)
  if (stored === undefined) throw new Error('no rows')
  expect(stored.routes).toEqual(['balance', 'canary', 'complex', 'default', 'nowhere', 'rules'])
  expect(stored.refused).toBeGreaterThan(0)
  expect(stored.ill).toBeGreaterThan(0)
  const [empty] = await run.rows(
    "SELECT count() AS n FROM traces WHERE route = 'default' AND (unit != '' OR decision_inputs != '' OR overlay_revision != '')",
  )
  expect(empty).toEqual({ n: 0 })

  const replayed = await runCli(['replay', '-c', run.homes[0]?.configFile ?? '', '--limit', '100000'], {
    // The file itself must be read to find the proxy; the stored policies are read without it.
    environment: { SIMULATED_KEY: 'another' },
  })
  console.log(replayed.stdout)
  expect(replayed).toMatchObject({ code: 0, stderr: '' })
  expect(replayed.stdout.trim()).toBe(`${stored.n} traces decided again: ${stored.n} agree (100.00 %).`)
})

it('a trace that a changed policy would decide otherwise is shown with what differs', async () => {
  const [row] = await run.rows<{ id: string }>(
    "SELECT toString(trace_id) AS id FROM traces WHERE route = 'rules' AND rule = 'short' LIMIT 1",
  )
  const client = engine.client('replayed')
  await client.command(`ALTER TABLE replayed.policy_versions UPDATE text = replaceAll(text, '"short"', '"brief"')
    WHERE 1 SETTINGS mutations_sync = 1`)
  const replayed = await runCli(['replay', '-c', run.homes[0]?.configFile ?? '', '--limit', '100000'], {
    environment: { SIMULATED_KEY: 'another' },
  })
  expect(replayed.code).toBe(1)
  expect(replayed.stdout).toContain('rule: stored "short", decided now "brief"')
  expect(row?.id).toBeDefined()
})
