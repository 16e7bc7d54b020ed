import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { aProxyHome, queryAs } from '../fakes/proxy-process.ts'
import { climbing, climbOf, keepAsking, killDeciders, STAIRS } from '../fakes/rollout-kills.ts'
import { runCli } from '../fakes/run-cli.ts'

let engine: TestEngine
let simulator: Simulator
beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator({ models: [aModel('a'), aModel('b')] })
})
afterAll(async () => {
  await engine?.close()
  await simulator?.close()
})

it('a decider that is killed in the midst of deciding takes no step twice and loses none, and there is never a second', async () => {
  const address = { url: engine.engine.url, username: 'app', password: 'app', database: 'kills' }
  const homes = await Promise.all([1, 2].map(() => aProxyHome(climbing({ kind: 'url', ...address }, simulator.url))))
  for (const home of homes) onTestFinished(() => home.close())
  const proxies = await Promise.all(homes.map((home) => home.start()))
  await Promise.all(proxies.map((proxy) => proxy.stored()))
  const traffic = keepAsking(homes)
  onTestFinished(traffic.stop)
  const rows = queryAs(engine.engine.url, address)
  const tookMs = await killDeciders(homes, proxies, rows, 3)
  console.log(`decisions went on after ${tookMs.map(Math.round).join(', ')} ms`)
  expect(Math.max(...tookMs)).toBeLessThan(30_000)

  const climb = await climbOf(rows)
  expect(climb).toMatchObject({ withoutDecision: 0, overlaps: 0, byOthers: 0 })
  expect(climb.revisions).toEqual(climb.revisions.map((_revision, index) => index + 1))
  expect(climb.percents).toEqual(STAIRS.slice(0, climb.percents.length))
  const [home] = homes
  const replayed = await runCli(['rollout', 'replay', 'climb', '-c', home?.configFile ?? ''])
  expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining('agree (100.00 %)') })
})
