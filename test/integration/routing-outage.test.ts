import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { callsOf } from '../fakes/a-raw-route.ts'
import { SPARE_KEY, spareRoutes, startRouted } from '../fakes/a-routed-proxy.ts'

const IN_FLIGHT = 200
/** The breaker probes every second to five; the first request that a probe is due for is the probe. */
const BACK_WITHIN_MS = 10_000

it('no client notices that the primary is killed with 200 requests in flight, and it is in use again soon after it is back', async () => {
  const slow = aModel('m', { firstByteMs: 3_000, firstTokenMs: 3_000 })
  const primary = await startSimulator({ models: [slow] })
  const spare = await startSimulator({ models: [aModel('m')], apiKey: SPARE_KEY })
  const proxy = await startRouted(primary.url, spare.url, spareRoutes())
  onTestFinished(async () => {
    await proxy.close(200)
    await spare.close()
  })
  const client = new OpenAI({ baseURL: `${proxy.url}/openai/v1`, apiKey: 'sk-client', maxRetries: 0 })
  const ask = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }] }
  const plain = async (): Promise<string> =>
    (await client.chat.completions.create(ask)).choices[0]?.message.content ?? ''
  const streamed = async (): Promise<string> => {
    let text = ''
    for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? ''
    }
    return text
  }

  const answers = Array.from({ length: IN_FLIGHT }, (_, n) => (n % 2 === 0 ? plain() : streamed()))
  while (primary.counters.received < IN_FLIGHT) await sleep(5)
  await primary.close()
  expect((await Promise.all(answers)).filter((text) => text === '')).toEqual([])
  const records = await proxy.recorded(IN_FLIGHT)
  const said = new Set(records.map((record) => JSON.stringify([record.status, record.outcome, ...callsOf(record)])))
  const calls = [
    ['primary', 'unavailable', undefined],
    ['fallback', 'completed', 'error'],
  ]
  expect(said).toEqual(new Set([JSON.stringify([200, 'completed', ...calls])]))
  const ends = new Set(records.map(({ attempts }) => JSON.stringify(attempts[0]?.outcome)))
  expect(ends).toEqual(new Set([JSON.stringify({ kind: 'unavailable', error: 'upstream_reset', mayHaveRun: true })]))

  // The breaker is open: but for a probe nobody waits for the primary any more.
  proxy.takeRecords()
  for (let n = 0; n < 10; n++) await plain()
  const during = (await proxy.recorded(10)).filter(({ attempts }) => attempts.length === 1)
  expect(during.length).toBeGreaterThanOrEqual(7)
  for (const { attempts, decision } of during) {
    expect(attempts[0]?.target.provider).toBe('spare-openai')
    expect(decision).toMatchObject({ rejected: [{ target: 'openai/*', why: 'breaker_open' }] })
  }

  const back = await startSimulator({ port: primary.port, models: [aModel('m')] })
  onTestFinished(() => back.close())
  const since = performance.now()
  while (back.counters.answered === 0 && performance.now() - since < BACK_WITHIN_MS) {
    await plain()
    await sleep(50)
  }
  expect(performance.now() - since).toBeLessThan(BACK_WITHIN_MS)
  expect(proxy.takeRecords().filter(({ status }) => status !== 200)).toEqual([])
}, 60_000)
