import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { latency, MIXED_CALLS, startClosedLoop, type Call } from '../fakes/closed-loop.ts'
import { compareLedger } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor, type ProxyProcess } from '../fakes/proxy-process.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'

/** What /metrics says was dropped for `reason`, over both tables. */
async function droppedRows(proxy: ProxyProcess, reason: string): Promise<number> {
  const counts = await Promise.all(
    ['traces', 'attempts'].map((table) => proxy.metric('understudy_spool_dropped_rows_total', { table, reason })),
  )
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
}

function mayMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-mount-'))
  const isAllowed = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]).status === 0
  if (isAllowed) spawnSync('umount', [dir])
  rmSync(dir, { recursive: true, force: true })
  return isAllowed
}

const CLIENTS = 6

/** Somewhere to live whose disk can be made full, and empty again. */
type TightPlace = {
  readonly dir: string
  readonly fill: (proxy: ProxyProcess) => void
  readonly makeRoom: (proxy: ProxyProcess) => void
}

/** ENOSPC for the spool and the engine alike. */
function aSmallFileSystem(megabytes = 200): TightPlace {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-full-'))
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', ['--lazy', dir]))
  const filler = join(dir, 'filler')
  const home = join(dir, 'home')
  mkdirSync(home)
  return {
    dir: home,
    fill: () => {
      // Far more than there is room for: it takes what it gets, like anything else that fills a disk.
      expect(() => writeFileSync(filler, Buffer.alloc(400_000_000))).toThrow('ENOSPC')
    },
    makeRoom: () => rmSync(filler),
  }
}

/** EFBIG, for the proxy alone. Mounting takes a privilege that a laptop's user has not; this works everywhere on Linux. */
function aFileSizeLimit(): TightPlace {
  const limit = ({ pid }: ProxyProcess, size: string) =>
    expect(spawnSync('prlimit', [`--fsize=${size}:unlimited`, `--pid=${pid}`]).status).toBe(0)
  return {
    dir: mkdtempSync(join(tmpdir(), 'understudy-limit-')),
    fill: (proxy) => limit(proxy, '100'),
    makeRoom: (proxy) => limit(proxy, 'unlimited'),
  }
}

const places: readonly (readonly [string, () => TightPlace])[] = [
  ['a limit on file size', aFileSizeLimit],
  ...(mayMount() ? [['a full file system', () => aSmallFileSystem()] as const] : []),
]

it.each(places)(
  'serves on and counts what is lost while the disk is full, and recovers by itself: %s',
  async (_, make) => {
    const place = make()
    const simulator = await startSimulator()
    onTestFinished(() => simulator.close())
    const home = await aProxyHome(settingsFor(simulator.url), { dir: place.dir })
    onTestFinished(() => home.close())
    const proxy = await home.start()
    await proxy.stored()
    const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS, pauseMs: 3 })
    onTestFinished(() => loop.stop())
    await loop.answers(300)

    const reported = proxy.nextLine('spool_write_failed')
    place.fill(proxy)
    await reported
    await loop.answers(500)
    expect(await droppedRows(proxy, 'write_failed')).toBeGreaterThan(100)

    place.makeRoom(proxy)
    await loop.answers(500)
    await loop.stop()
    await proxy.drained()
    expect(loop.failures).toEqual([])
    const total = await droppedRows(proxy, 'write_failed')
    expect((await proxy.readiness()).spool.dropped_rows).toBe(total)
    const { difference, others } = await compareLedger(proxy.rows, loop.ledger)
    // Each answer of which a row is missing is one that was counted; nothing is there twice, nothing is made up.
    expect({
      twice: difference.twice,
      attemptsTwice: difference.attemptsTwice,
      wrong: difference.wrong,
      others,
    }).toEqual({
      twice: [],
      attemptsTwice: [],
      wrong: [],
      others: [],
    })
    expect(difference.lost.length + difference.wrongAttempts.length).toBe(total)
  },
)

const CAP_CLIENTS = 16
const WIDE: Call = {
  name: 'wide',
  method: 'POST',
  path: '/openai/v1/chat/completions',
  body: JSON.stringify({ model: 'sim-plain', user: 'u'.repeat(250), messages: [{ role: 'user', content: 'hello' }] }),
  headers: Object.fromEntries(
    [
      'x-understudy-user',
      'x-understudy-session',
      'x-understudy-task',
      'x-understudy-team',
      'user-agent',
      'x-understudy-route',
      'x-understudy-tags',
    ].map((name) => [name, `${name.slice(-4)}=`.repeat(50)]),
  ),
  outcome: 'completed',
  attempts: 1,
}

it.runIf(mayMount())('leaves the engine on the same disk the room to take what the spool holds', async () => {
  const { dir } = aSmallFileSystem(80)
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(settingsFor(simulator.url), { dir })
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  // The engine hangs for as long as it takes the spool to fill the disk.
  process.kill(proxy.enginePid(), 'SIGSTOP')
  const reported = proxy.nextLine('spool_write_failed')
  const loop = startClosedLoop(home.port, { clients: CAP_CLIENTS, calls: [WIDE] })
  onTestFinished(() => loop.stop())
  await reported
  await loop.answers(1_000)
  await loop.stop()
  process.kill(proxy.enginePid(), 'SIGCONT')
  await proxy.drained()

  expect(loop.failures).toEqual([])
  const { difference } = await compareLedger(proxy.rows, loop.ledger)
  const dropped = await droppedRows(proxy, 'write_failed')
  expect(difference.lost.length + difference.wrongAttempts.length).toBe(dropped)
  expect(dropped).toBeLessThan(loop.ledger.size)
})

it('drops the oldest rows at the cap of the spool, counts and reports them, and lets no client wait', async () => {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const nowhere = { kind: 'url', url: 'http://127.0.0.1:9', database: 'understudy' }
  const settings = settingsFor(simulator.url, { store: nowhere, spool: { max_size: '16MB' } })
  const home = await aProxyHome(settings)
  onTestFinished(() => home.close())
  const proxy = await home.start()
  const reported = proxy.nextLine('spool_dropped_oldest')
  const loop = startClosedLoop(home.port, { clients: CAP_CLIENTS, calls: [WIDE] })
  onTestFinished(() => loop.stop())
  await loop.answers(500)
  const from = performance.now()
  await loop.answers(500)
  const capAt = performance.now()
  await reported
  const droppingFrom = performance.now()
  await loop.answers(1_000)
  const to = performance.now()
  await loop.stop()

  const held = await proxy.readiness()
  const dropped = await droppedRows(proxy, 'over_cap')
  expect(dropped).toBeGreaterThan(0)
  expect(held.spool.bytes).toBeLessThanOrEqual(16_000_000)
  expect(held.spool.rows + dropped).toBe(loop.ledger.size * 2)
  expect(loop.failures).toEqual([])
  const before = latency(loop.ledger, 99, { from, to: capAt })
  expect(latency(loop.ledger, 99, { from: droppingFrom, to })).toBeLessThan(before * 3 + 100)

  // What is kept is the newest, and it is there for the next start, with a store.
  await proxy.end('SIGKILL')
  home.configure(settingsFor(simulator.url, { spool: { max_size: '16MB' } }))
  const next = await home.start()
  await next.drained()
  const rows = await next.rows<{ id: string }>('SELECT toString(trace_id) AS id FROM traces')
  const stored = new Set(rows.map(({ id }) => id))
  expect(stored.size).toBeGreaterThan(500)
  // By the order of the answers, which among clients that are answered at the same time is not that of the rows.
  const newest = [...loop.ledger.keys()].slice(-stored.size)
  expect(newest.filter((id) => !stored.has(id)).length).toBeLessThanOrEqual(CAP_CLIENTS)
})
