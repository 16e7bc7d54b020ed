import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, freePort, queryAs, settingsFor } from '../fakes/proxy-process.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'

let engine: TestEngine
let simulator: Simulator

beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator()
})
afterAll(async () => {
  await simulator?.close()
  await engine?.close()
})

it('refuses a second proxy on the same data directory, and names the process that holds it', async () => {
  const home = await aProxyHome(settingsFor(simulator.url))
  onTestFinished(() => home.close())
  const first = await home.start()
  await first.stored()
  // Another port, or it would fail for that.
  home.configure(settingsFor(simulator.url, { listen: '127.0.0.1:0' }))
  const second = await home.startAndEnd()
  expect(second.code).toBe(1)
  expect(second.output).toContain(`is in use by process ${first.pid} on `)
  expect(second.output).toContain('another data directory')

  const loop = startClosedLoop(home.port, { clients: 2, calls: MIXED_CALLS })
  await loop.answers(50)
  await loop.stop()
  await first.drained()
  expect((await compareLedger(first.rows, loop.ledger)).difference).toEqual(NO_DIFFERENCE)
})

it('lets several proxies start at once on one ClickHouse: tables made once, rows of each kept apart', async () => {
  const database = 'shared'
  const store = { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database }
  const rows = queryAs(engine.engine.url, { username: 'app', password: 'app', database })
  const homes = await Promise.all([1, 2, 3].map(() => aProxyHome(settingsFor(simulator.url, { store }))))
  for (const home of homes) onTestFinished(() => home.close())
  const proxies = await Promise.all(homes.map((home) => home.start()))
  const loops = homes.map(({ port }) => startClosedLoop(port, { clients: 3, calls: MIXED_CALLS }))
  await Promise.all(loops.map((loop) => loop.answers(200)))
  await Promise.all(proxies.map((proxy) => proxy.stored()))
  await Promise.all(loops.map((loop) => loop.answers(100)))
  await Promise.all(loops.map((loop) => loop.stop()))
  await Promise.all(proxies.map((proxy) => proxy.drained()))

  const all = new Map(loops.flatMap((loop) => [...loop.ledger]))
  expect(await compareLedger(rows, all)).toEqual({ difference: NO_DIFFERENCE, others: [], traces: all.size })
  const made = proxies.flatMap((proxy) => proxy.lines().filter(({ event }) => event === 'store_migrated'))
  expect(new Set(made.map(({ migration }) => migration)).size).toBe(made.length)
  const counts = await rows<{ instance: string; count: number }>(
    'SELECT instance, count() AS count FROM traces GROUP BY instance',
  )
  const byPort = Object.fromEntries(counts.map(({ instance, count }) => [instance.split(':').at(-1), count]))
  expect(byPort).toEqual(Object.fromEntries(homes.map(({ port }, index) => [String(port), loops[index]?.ledger.size])))
})

it('goes on with one of two proxies of two workers on one ClickHouse and one config when the other is killed', async () => {
  const database = 'shared_config'
  const rows = queryAs(engine.engine.url, { username: 'app', password: 'app', database })
  // One file for both, as a ConfigMap would be: what differs comes from the environment.
  const settings = settingsFor(simulator.url, {
    listen: '127.0.0.1:${PORT}',
    data_dir: '${DATA}',
    workers: 2,
    store: { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database },
  })
  const start = async () => {
    const [port, dir] = [await freePort(), mkdtempSync(join(tmpdir(), 'understudy-shared-'))]
    const environment = { PORT: String(port), DATA: join(dir, 'data') }
    const home = await aProxyHome(settings, { dir, environment })
    onTestFinished(() => home.close())
    const proxy = await home.start()
    const loop = startClosedLoop(port, { clients: 4, calls: MIXED_CALLS })
    onTestFinished(() => loop.stop())
    return { proxy, loop }
  }
  const [one, two] = await Promise.all([start(), start()])
  await Promise.all([one.proxy.stored(), two.proxy.stored()])
  await Promise.all([one.loop.answers(100), two.loop.answers(100)])
  await Promise.all([one.loop.stop(), one.proxy.drained()])
  await one.proxy.end('SIGKILL')
  await two.loop.answers(200)
  await two.loop.stop()
  await two.proxy.drained()

  expect(two.loop.failures).toEqual([])
  const all = new Map([...one.loop.ledger, ...two.loop.ledger])
  expect(await compareLedger(rows, all)).toEqual({ difference: NO_DIFFERENCE, others: [], traces: all.size })
  const versions = await rows<{ version: string; instances: number }>(
    "SELECT policy_version AS version, toUInt32(uniqExact(splitByChar('/', instance)[1])) AS instances FROM traces GROUP BY version",
  )
  expect(versions.map(({ instances }) => instances)).toEqual([2])
})
