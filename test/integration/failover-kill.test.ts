import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { startComposed } from '../fakes/composed.ts'
import { SDKS } from '../fakes/told-by-sdk.ts'

const EXAMPLE = join(import.meta.dirname, '../../config/examples/failover-two-accounts.yaml')
const IN_FLIGHT = 200
const BACK_WITHIN_MS = 10_000

it('the shipped failover: the first account dies under 200 requests, each is answered by the second and says why in its rows, and the first is back in use within ten seconds of its return', async () => {
  const engine = await startTestEngine()
  const first = await startSimulator({ models: [aModel('gpt-4o', { firstByteMs: 9_000, firstTokenMs: 9_000 })] })
  const second = await startSimulator({ models: [aModel('gpt-4o')] })
  const proxy = await startComposed(engine, EXAMPLE, {
    OPENAI_API_KEY: 'sk-first',
    OPENAI_UPSTREAM: first.url,
    OPENAI_SECOND_API_KEY: 'sk-second',
    OPENAI_SECOND_UPSTREAM: second.url,
  })
  onTestFinished(async () => {
    await proxy.close()
    await second.close()
    await engine.close()
  })
  const ask = (index: number) => SDKS.openai({ url: proxy.url, model: 'gpt-4o', isStream: index % 2 === 1 })

  const asked = Array.from({ length: IN_FLIGHT }, (_, index) => ask(index))
  await expect.poll(() => first.counters.received, { timeout: 20_000, interval: 5 }).toBe(IN_FLIGHT)
  await first.close()
  const told = await Promise.all(asked)
  expect(told.filter(({ text }) => text === '')).toEqual([])
  expect(new Set(told.map(({ traceId }) => traceId)).size).toBe(IN_FLIGHT)

  await expect
    .poll(() => proxy.endings(), { timeout: 60_000, interval: 200 })
    .toEqual([
      {
        outcome: 'completed 200',
        calls: ['primary openai unavailable upstream_reset', 'fallback openai-second completed  after error'],
        requests: IN_FLIGHT,
      },
    ])
  expect(await proxy.states()).toEqual({
    'openai/*': expect.stringMatching(/open|probing/),
    'openai-second/*': 'healthy',
  })

  const back = await startSimulator({ port: first.port, models: [aModel('gpt-4o')] })
  onTestFinished(() => back.close())
  const since = performance.now()
  while ((await proxy.states())['openai/*'] !== 'healthy' && performance.now() - since < BACK_WITHIN_MS) {
    expect((await ask(0)).text).not.toBe('')
    await sleep(50)
  }
  expect(performance.now() - since).toBeLessThan(BACK_WITHIN_MS)
  expect((await ask(0)).served).toBe('openai')
})
