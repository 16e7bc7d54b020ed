import { expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { aProxyHome, queryAs } from '../fakes/proxy-process.ts'
import { climbing, climbOf, keepAsking, killDeciders, STAIRS } from '../fakes/rollout-kills.ts'

const KILLS = 20

it(`${KILLS} kills of whoever decides: no step twice, none lost, never two deciders`, async () => {
  const engine = await startTestEngine()
  onTestFinished(() => engine.close())
  const simulator = await startSimulator({ models: [aModel('a'), aModel('b')] })
  onTestFinished(() => simulator.close())
  const address = { url: engine.engine.url, username: 'app', password: 'app', database: 'kills' }
  const homes = await Promise.all([1, 2].map(() => aProxyHome(climbing({ kind: 'url', ...address }, simulator.url))))
  for (const home of homes) onTestFinished(() => home.close())
  const proxies = await Promise.all(homes.map((home) => home.start()))
  await Promise.all(proxies.map((proxy) => proxy.stored()))
  const traffic = keepAsking(homes)
  onTestFinished(traffic.stop)
  const rows = queryAs(engine.engine.url, address)
  const tookMs = await killDeciders(homes, proxies, rows, KILLS)
  console.log(`decisions went on after ${tookMs.map(Math.round).join(', ')} ms`)
  expect(Math.max(...tookMs)).toBeLessThan(30_000)

  const climb = await climbOf(rows)
  expect(climb).toMatchObject({ withoutDecision: 0, overlaps: 0, byOthers: 0 })
  expect(climb.revisions).toEqual(climb.revisions.map((_revision, index) => index + 1))
  expect(climb.percents).toEqual(STAIRS.slice(0, climb.percents.length))
})
