import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine } from './clickhouse.ts'
import { askVerb, rolloutOf, untilRollout } from './live-rollouts.ts'
import { aProxyHome, queryAs } from './proxy-process.ts'
import { CLIMBER, climbing, climbOf, keepAsking, STAIRS } from './rollout-kills.ts'
import { aStoreDoor } from './store-door.ts'

/**
 * ClickHouse is away for `awayMs` in the middle of a rollout on a proxy of two workers: nothing moves, all are served, and then
 * decisions go on where they were, no row is missing and a rollback reaches everybody.
 */
export async function expectToOutlastOutage(awayMs: number): Promise<void> {
  const engine = await startTestEngine()
  onTestFinished(() => engine.close())
  const simulator = await startSimulator({ models: [aModel('a'), aModel('b')] })
  onTestFinished(() => simulator.close())
  const door = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const address = { url: door.url, username: 'app', password: 'app', database: 'outage' }
  const home = await aProxyHome({ ...climbing({ kind: 'url', ...address }, simulator.url), workers: 2 })
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const traffic = keepAsking([home])
  onTestFinished(traffic.stop)
  await untilRollout(proxy, CLIMBER, ({ percent }) => percent >= 21)

  await door.make('refused')
  await sleep(1_000) // what had been sent may still count
  const before = await rolloutOf(proxy, CLIMBER)
  await sleep(awayMs)
  expect(await rolloutOf(proxy, CLIMBER)).toMatchObject({ percent: before.percent, revision: before.revision })
  await door.make('open')
  await untilRollout(proxy, CLIMBER, ({ percent }) => percent > before.percent)

  const rollback = await askVerb(proxy, CLIMBER, 'rollback')
  expect(rollback.json.phase).toBe('rolled_back')
  await traffic.stop()
  const answered = simulator.counters
  await proxy.drained()
  const rows = queryAs(engine.engine.url, { ...address })
  const climb = await climbOf(rows)
  expect(climb).toMatchObject({ withoutDecision: 0, overlaps: 0, byOthers: 0 })
  expect(climb.revisions).toEqual(climb.revisions.map((_revision, index) => index + 1))
  expect(climb.percents).toEqual(STAIRS.slice(0, climb.percents.length))
  const [stored] = await rows<{ traces: number; workers: number; late: number }>(
    `SELECT count() AS traces, uniqExact(instance) AS workers,
      countIf(arm = 'candidate' AND received_at > (SELECT max(at) + 1 FROM rollout_events)) AS late FROM traces`,
  )
  expect(stored).toMatchObject({ traces: answered.received, workers: 2, late: 0 })
}
