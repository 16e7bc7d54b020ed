import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { aModel, judgeHabits } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { expectKeptUnderKills } from '../fakes/kept-under-kills.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import { residentBytes } from '../fakes/resident-memory.ts'

const SECONDS = 60
const RATE_PER_SECOND = 500
const CLIENTS = 8
const PER_MINUTE = 1_000

test('twelve kills under shadow traffic lose nothing and change nothing for clients', () => expectKeptUnderKills(12))

test('memory stays where it is while the candidate of every request hangs for ever', async () => {
  const hangs = aModel('hangs', { faults: [{ fault: 'hang', probability: 1 }] })
  const simulator = await startSimulator({ models: [aModel('stable', { isCanned: true }), hangs] })
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(
    settingsFor(simulator.url, {
      store: { kind: 'none' },
      providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-server' } },
      prices: [{ model: '*', input: 1, output: 4 }],
      shadows: {
        trial: {
          sample: '100%',
          aa_share: '0%',
          candidates: 'openai/hangs',
          timeout: '1h',
          max_queued: 500,
          headroom_floor: '0%',
          budget: { per_hour: 1000, per_day: 1000 },
        },
      },
    }),
  )
  onTestFinished(() => home.close())
  const proxy = await home.start()
  const body = JSON.stringify({ model: 'stable', messages: [{ role: 'user', content: 'x'.repeat(20_000) }] })
  const begunAt = performance.now()
  let sent = 0
  const statuses = new Set<number>()
  const client = async (): Promise<void> => {
    while (performance.now() - begunAt < SECONDS * 1_000) {
      await sleep(Math.max(0, begunAt + (sent++ / RATE_PER_SECOND) * 1_000 - performance.now()))
      const answer = await fetch(`${home.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      await answer.arrayBuffer()
      statuses.add(answer.status)
    }
  }
  const load = Promise.all(Array.from({ length: CLIENTS }, client))
  await sleep(SECONDS * 250)
  const early = residentBytes(proxy.pid)
  await load
  const late = residentBytes(proxy.pid)
  expect([...statuses]).toEqual([200])
  expect(late - early).toBeLessThan(30_000_000)
  const { shadows } = JSON.parse((await proxy.admin('/admin/shadows')).text) as { shadows: [Record<string, unknown>] }
  expect(shadows[0]).toMatchObject({ running: 4, queued: 500 })
})

test('a thousand shadow calls a minute, each judged in both orders, are well within one core', async () => {
  const models = [
    aModel('strong', { quality: 1 }),
    aModel('weak', { quality: 0.8 }),
    aModel('judge', { judges: judgeHabits() }),
  ]
  const simulator = await startSimulator({ models })
  onTestFinished(() => simulator.close())
  const budget = { per_hour: 100, per_day: 100 }
  const home = await aProxyHome(
    settingsFor(simulator.url, {
      providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-server' } },
      prices: [{ model: '*', input: 1, output: 4 }],
      shadows: { trial: { sample: '100%', candidates: 'openai/weak', budget } },
      judge: { target: 'openai/judge', budget },
    }),
  )
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const before = cpuMs(proxy.pid)
  const begunAt = performance.now()
  const ask = async (each: number): Promise<void> => {
    await sleep((each * 60_000) / PER_MINUTE)
    const messages = [{ role: 'user', content: `What is ${each} + 25?` }]
    const answer = await fetch(`${home.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'strong', messages }),
    })
    await answer.arrayBuffer()
  }
  await Promise.all(Array.from({ length: PER_MINUTE }, (_, each) => ask(each)))
  // Measured: a tenth of a core that others used as well, live calls included.
  expect((cpuMs(proxy.pid) - before) / (performance.now() - begunAt)).toBeLessThan(0.5)
  await proxy.drained()
  const [judged] = await proxy.rows<{ n: number }>(
    "SELECT count() AS n FROM understudy.v_pairs WHERE evaluator = 'judge' AND d IS NOT NULL",
  )
  expect(Number(judged?.n)).toBe(PER_MINUTE)
})

/** User and system time of a process, in milliseconds: ticks of a hundredth of a second. */
function cpuMs(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) * 10
}
