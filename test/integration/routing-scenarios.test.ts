import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCENARIO_NAMES, type ScenarioName } from '../../src/simulator/scenarios.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { FALLBACK_TRIGGERS } from '../../src/domain/routing/route.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { startComposed, type Composed, type Story } from '../fakes/composed.ts'
import { SDKS, type Told } from '../fakes/told-by-sdk.ts'

// The troubles of providers, as the simulator plays them, through the whole proxy: what clients see, what the rows say
// and what becomes of the target's health. Each scenario has a model, and so a target, of its own.

const BACK_WITHIN_MS = 10_000

let engine: TestEngine
let primary: Simulator
let spare: Simulator
let proxy: Composed
let dir: string

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-scenarios-'))
  engine = await startTestEngine()
  primary = await startSimulator()
  spare = await startSimulator({ seed: 2 })
  for (const model of modelNames()) for (const each of [primary, spare]) each.setModel(model, {})
  const file = join(dir, 'understudy.yaml')
  writeFileSync(file, JSON.stringify(settings())) // JSON is YAML
  proxy = await startComposed(engine, file, {})
})
afterAll(async () => {
  await proxy?.close()
  await Promise.all([primary?.close(), spare?.close()])
  await engine?.close()
  rmSync(dir, { recursive: true, force: true })
})

/** A model for each scenario and dialect, so that none of them sees what another one did to a target. */
function modelNames(): readonly string[] {
  return [...SCENARIO_NAMES, 'everything'].flatMap((name) => Object.keys(SDKS).map((dialect) => `${dialect}-${name}`))
}

function settings(): object {
  const provider = (kind: string, { url }: Simulator): object => ({ kind, base_url: url, api_key: 'sk-server' })
  const providers = Object.keys(SDKS).map((kind) => [
    [kind, provider(kind, primary)],
    [`${kind}-spare`, provider(kind, spare)],
  ])
  const routes = modelNames().map((model) => {
    const dialect = model.slice(0, model.indexOf('-'))
    const fallback = { on: FALLBACK_TRIGGERS, answer_timeout: '2s', first_token_timeout: '2s' }
    const target = `${dialect}/${model}`
    return [model, { match: { model }, target, fallbacks: [`${dialect}-spare/${model}`], fallback }]
  })
  return { providers: Object.fromEntries(providers.flat()), routes: Object.fromEntries(routes) }
}

/** Asks so often with OpenAI's SDK, one after the other, and gets the stories. Nobody may be left without an answer. */
async function ask(
  model: string,
  count: number,
  isStream = (index: number) => index % 2 === 1,
): Promise<readonly Story[]> {
  const told: Told[] = []
  for (let index = 0; index < count; index++) {
    told.push(await SDKS.openai({ url: proxy.url, model, isStream: isStream(index) }))
  }
  expect(told.filter(({ text }) => text === '')).toEqual([])
  return Promise.all(told.map(({ traceId }) => proxy.story(traceId)))
}

const stateOf = async (model: string): Promise<string | undefined> => (await proxy.states())[`openai/${model}`]

/** How many requests the scenario of that model has met. */
const requestsMet = ({ playbill }: Simulator, model: string): number | undefined =>
  playbill.playing().find((each) => each.model === model)?.requests

/** Asks until the primary answers again, and says how long that took. Nobody may be left without an answer. */
async function backAfterMs(model: string): Promise<number> {
  const since = performance.now()
  while ((await stateOf(model)) !== 'healthy') {
    expect((await SDKS.openai({ url: proxy.url, model, isStream: false })).text).not.toBe('')
    if (performance.now() - since > BACK_WITHIN_MS) break
    await sleep(20)
  }
  return performance.now() - since
}

describe.each([
  ['outage', 'refused 500'],
  ['dead', 'unavailable 0'],
] as const)('%s', (scenario, outcome) => {
  it('costs no client an answer, opens the breaker at five failures, and is forgotten soon after its end', async () => {
    const model = `openai-${scenario}`
    primary.playbill.play(scenario, { model })
    for (const story of await ask(model, 5)) {
      expect(story).toMatchObject({
        route: model,
        outcome: 'completed 200',
        calls: [`primary openai/${model} ${outcome}`, `fallback openai-spare/${model} completed 200 after error`],
      })
    }
    expect(await stateOf(model)).toMatch(/open|probing/)
    primary.playbill.stop({ model })
    expect(await backAfterMs(model)).toBeLessThan(BACK_WITHIN_MS)
    const [after] = await ask(model, 1)
    expect(after?.calls).toEqual([`primary openai/${model} completed 200`])
  })
})

describe('a brown-out', () => {
  it('costs no client an answer: those it hits are answered by the spare, and then all are, until it is over', async () => {
    const model = 'openai-brown-out'
    primary.playbill.play('brown-out', { model })
    const asked = Array.from({ length: 40 }, (_, index) =>
      SDKS.openai({ url: proxy.url, model, isStream: index % 2 === 1 }),
    )
    const stories = await Promise.all((await Promise.all(asked)).map(({ traceId }) => proxy.story(traceId)))
    expect(new Set(stories.map(({ outcome }) => outcome))).toEqual(new Set(['completed 200']))
    const reasons = new Set(stories.flatMap(({ calls }) => calls.slice(1).map((call) => call.split(' after ')[1])))
    expect(reasons).toContain('rate_limit')
    expect([...reasons].some((reason) => reason?.startsWith('slow_'))).toBe(true)
    expect(await stateOf(model)).toMatch(/degraded|open|probing/)
    primary.playbill.stop({ model })
    expect(await backAfterMs(model)).toBeLessThan(BACK_WITHIN_MS)
  })
})

describe('a rate-limit storm', () => {
  it('is met by one request, and the target left alone for as long as it asks to be', async () => {
    const model = 'openai-rate-limit-storm'
    primary.playbill.play('rate-limit-storm', { model })
    const stories = await ask(model, 6)
    expect(stories.map(({ calls }) => calls)).toEqual([
      [`primary openai/${model} refused 429`, `fallback openai-spare/${model} completed 200 after rate_limit`],
      ...Array<readonly string[]>(5).fill([`primary openai-spare/${model} completed 200`]),
    ])
    for (const { reasons } of stories.slice(1)) expect(reasons).toContain('primary_throttled')
    expect(requestsMet(primary, model)).toBe(1)
    primary.playbill.stop({ model })
    expect(await backAfterMs(model)).toBeLessThan(BACK_WITHIN_MS)
  })
})

describe('a slow first token', () => {
  it('is waited for no longer than the route says, and the call that is given up is ended at the provider too', async () => {
    const model = 'openai-slow-first-token'
    primary.playbill.play('slow-first-token', { model })
    const left = primary.counters.clientClosed
    const since = performance.now()
    const [story] = await ask(model, 1, () => true)
    expect(performance.now() - since).toBeLessThan(12_000)
    expect(story).toMatchObject({
      outcome: 'completed 200',
      calls: [
        expect.stringMatching(`^primary openai/${model} unavailable `),
        `fallback openai-spare/${model} completed 200 after slow_first_token`,
      ],
    })
    await expect.poll(() => primary.counters.clientClosed, { timeout: BACK_WITHIN_MS }).toBeGreaterThan(left)
    primary.playbill.stop({ model })
  })
})

describe('flapping', () => {
  it('costs no client an answer, whichever half a request falls into', async () => {
    const model = 'openai-flapping'
    primary.playbill.play('flapping', { model })
    const traces: (string | null)[] = []
    const until = performance.now() + 7_000
    while (performance.now() < until) {
      traces.push((await SDKS.openai({ url: proxy.url, model, isStream: traces.length % 2 === 1 })).traceId)
      await sleep(50)
    }
    primary.playbill.stop({ model })
    const stories = await Promise.all(traces.filter((_, index) => index % 4 === 0).map((id) => proxy.story(id)))
    expect(new Set(stories.map(({ outcome }) => outcome))).toEqual(new Set(['completed 200']))
    const providers = new Set(stories.map(({ calls }) => calls.at(-1)?.split(' ')[1]))
    expect(providers).toEqual(new Set([`openai/${model}`, `openai-spare/${model}`]))
    expect(await backAfterMs(model)).toBeLessThan(BACK_WITHIN_MS)
  })
})

describe.each([
  ['context-window', 'refused 400', 'context_window'],
  ['refusal', 'completed 200', 'refusal'],
  ['invalid-json', 'completed 200', 'invalid_json'],
] as const)('%s', (scenario, outcome, reason) => {
  it('is answered by the next target, and says nothing of the health of the first', async () => {
    const model = `openai-${scenario}`
    primary.playbill.play(scenario, { model })
    for (const { calls } of await ask(model, 6, () => false)) {
      expect(calls).toEqual([
        `primary openai/${model} ${outcome}`,
        `fallback openai-spare/${model} completed 200 after ${reason}`,
      ])
    }
    expect(await stateOf(model)).toBe('healthy')
  })
})

/** What the rows say of the first call, and why it was left. The error frames of two dialects tell of a lack of room. */
const STREAMED: readonly (readonly [ScenarioName, string, (dialect: string) => string])[] = [
  ['outage', 'refused 500', () => 'error'],
  ['rate-limit-storm', 'refused 429', () => 'rate_limit'],
  ['error-in-first-frame', 'refused 200', (dialect) => (dialect === 'openai' ? 'error' : 'rate_limit')],
  ['context-window', 'refused 400', () => 'context_window'],
  ['refusal', 'completed 200', () => 'refusal'],
]

describe.each(Object.entries(SDKS))('a stream to the %s SDK', (dialect, sdk) => {
  it.concurrent.each(STREAMED)('is whole, and from the spare, in %s', async (scenario, outcome, reasonIn) => {
    const model = `${dialect}-${scenario}`
    primary.playbill.play(scenario, { model })
    const { text, traceId, served } = await sdk({ url: proxy.url, model, isStream: true })
    expect(text).not.toBe('')
    expect(served).toBe(`${dialect}-spare`)
    expect(await proxy.story(traceId)).toMatchObject({
      outcome: 'completed 200',
      calls: [
        `primary ${dialect}/${model} ${outcome}`,
        `fallback ${dialect}-spare/${model} completed 200 after ${reasonIn(dialect)}`,
      ],
    })
  })

  it('gets the primary’s own error when everything is down, and the SDK does not ask again', async () => {
    const model = `${dialect}-everything`
    for (const each of [primary, spare]) each.playbill.play('outage', { model })
    await expect(sdk({ url: proxy.url, model, isStream: true })).rejects.toMatchObject({ status: 500 })
    expect([primary, spare].map((each) => requestsMet(each, model))).toEqual([1, 1])
  })
})
