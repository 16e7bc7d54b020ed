import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine } from './clickhouse.ts'
import { aProxyHome, type ProxyHome, type ProxyProcess, type Query, queryAs, type Settings } from './proxy-process.ts'
import { runCli } from './run-cli.ts'

/** Percentages one after the other: evidence takes the rollout up them. */
export const STAIRS = Array.from({ length: 28 }, (_none, index) => 20 + index)

export const CLIMBER = 'climb'

/** A rollout that climbs by evidence, as fast as rows come. Every answer is as good as any other. */
export function climbing(store: Settings, simulatorUrl: string): Settings {
  const wide = { quality_margin: '50%', success_margin: '50%', min_pairs: 2, dwell: '1s' }
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store,
    providers: { openai: { dialect: 'openai', base_url: simulatorUrl, api_key: 'sk-test' } },
    routes: { chat: { match: { model: 'gpt-*' }, target: 'openai/a' } },
    quality: { evaluate: '100%' },
    decider: { tick: '200ms', speed: 1000 },
    rollouts: {
      [CLIMBER]: {
        route: 'chat',
        candidate: 'openai/b',
        shadow: false,
        steps: STAIRS.map((percent) => ({ percent: `${percent}%`, ...wide, dwell: '1000s' })),
        metric: 'answered',
        scored: '100%',
        alpha_promote: '20%',
      },
    },
  }
}

/** Asks at the data ports, each request a conversation of its own, until it is told to stop; what fails is left. */
export function keepAsking(homes: readonly ProxyHome[]): { readonly stop: () => Promise<void> } {
  let isOver = false
  let asked = 0
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const home = homes[(asked += 1) % homes.length]
      await fetch(`${home?.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: {
          connection: 'close', // or one of several workers may have all of them
          'content-type': 'application/json',
          'x-understudy-session': `s-${process.pid}-${asked}`,
        },
        body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: `${asked}` }] }),
      })
        .then((answer) => answer.text())
        .catch(() => undefined) // its proxy was killed
      await sleep(40)
    }
  }
  const asking = Promise.all(Array.from({ length: 4 }, ask))
  return {
    stop: async () => {
      isOver = true
      await asking
    },
  }
}

/**
 * Kills whichever of two proxies decides, `times` times, each time as soon as a decision that changes something is on
 * record: its event may or may not be. Resolves to how long it took until there was another such decision.
 */
export async function killDeciders(
  homes: readonly ProxyHome[],
  started: readonly ProxyProcess[],
  rows: Query,
  times: number,
): Promise<readonly number[]> {
  const proxies = [...started]
  const tookMs: number[] = []
  const changing = async (): Promise<readonly { readonly instance: string }[]> =>
    rows("SELECT instance FROM rollout_decisions WHERE result != '' ORDER BY at, decision_id")
  let known = (await changing()).length
  for (let kill = 0; kill < times; kill++) {
    const since = performance.now()
    let now = await changing()
    while (now.length === known) now = await changing()
    known = now.length
    if (kill > 0) tookMs.push(performance.now() - since)
    const decider = now.at(-1)?.instance ?? ''
    const index = homes.findIndex(({ port }) => decider.endsWith(`:${port}`))
    const [home, proxy] = [homes[index], proxies[index]]
    if (home === undefined || proxy === undefined) throw new Error(`${decider} is none of these`)
    await proxy.end('SIGKILL')
    known = (await changing()).length
    proxies[index] = await home.start()
  }
  return tookMs
}

export type Climb = {
  readonly revisions: readonly number[]
  readonly percents: readonly number[]
  /** Events that evidence caused and that no decision on record stands for, or one that stands for another. */
  readonly withoutDecision: number
  /** Times at which two held the lease. */
  readonly overlaps: number
  /** Events that evidence caused and that another stored than whoever held the lease. */
  readonly byOthers: number
}

/** What the tables say of the climb. */
export async function climbOf(rows: Query): Promise<Climb> {
  const events = await rows<{
    revision: number
    kind: string
    actor: string
    details: string
    instance: string
    ms: number
  }>(
    'SELECT revision, kind, actor, details, instance, toUnixTimestamp64Milli(stored_at) AS ms FROM rollout_events ORDER BY revision',
  )
  const decisions = await rows<{ id: string; result: string }>(
    "SELECT toString(decision_id) AS id, result FROM rollout_decisions WHERE result != ''",
  )
  const leases = await rows<{ holder: string; from: number; until: number }>(
    `SELECT holder, toUnixTimestamp64Milli(taken_at) AS from, from + lease_ms AS until FROM leases
    WHERE name = 'rollouts' ORDER BY revision`,
  )
  const automatic = events.filter(({ actor }) => actor === 'understudy')
  const used = new Set<string>()
  let [withoutDecision, overlaps, byOthers] = [0, 0, 0]
  for (const { details, revision, instance, ms } of automatic) {
    const { decision }: { decision?: string } = JSON.parse(details)
    const stored = decisions.find(({ id }) => id === decision)
    const isOwn = stored !== undefined && JSON.parse(stored.result).revision === revision && !used.has(stored.id)
    if (!isOwn) withoutDecision += 1
    used.add(decision ?? '')
    const holder = leases.findLast(({ from }) => from <= ms)
    if (holder === undefined || !holder.holder.startsWith(`${instance}/`) || holder.until < ms) byOthers += 1
  }
  for (const [index, { holder, from }] of leases.entries()) {
    const before = leases[index - 1]
    if (
      before !== undefined &&
      before.holder !== '' &&
      holder !== '' &&
      holder !== before.holder &&
      from < before.until
    ) {
      overlaps += 1
    }
  }
  return {
    revisions: events.map(({ revision }) => revision),
    percents: events.flatMap(({ details }) => {
      const { change }: { change: { into?: { percent?: number } } } = JSON.parse(details)
      return change.into?.percent === undefined ? [] : [change.into.percent]
    }),
    withoutDecision,
    overlaps,
    byOthers,
  }
}

/**
 * Two proxies over one store; whoever decides is killed with SIGKILL, `kills` times, and each time decisions go on within
 * 30 s. No step is taken twice, none is lost, there is never a second decider, and every decision replays.
 */
export async function expectOneDeciderUnderKills(kills: number): Promise<void> {
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
  const tookMs = await killDeciders(homes, proxies, rows, kills)
  console.log(`decisions went on after ${tookMs.map(Math.round).join(', ')} ms`)
  expect(Math.max(...tookMs)).toBeLessThan(30_000)

  const climb = await climbOf(rows)
  expect(climb).toMatchObject({ withoutDecision: 0, overlaps: 0, byOthers: 0 })
  expect(climb.revisions).toEqual(climb.revisions.map((_revision, index) => index + 1))
  expect(climb.percents).toEqual(STAIRS.slice(0, climb.percents.length))
  const [home] = homes
  const replayed = await runCli(['rollout', 'replay', 'climb', '-c', home?.configFile ?? ''])
  expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining('agree (100.00 %)') })
}
