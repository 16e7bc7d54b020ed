import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { GoogleGenAI } from '@google/genai'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { systemWorld } from '../../src/compose.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { startComposed, type Composed, type Story } from '../fakes/composed.ts'
import { aGpuServer, askChat, chat, keysSeenBy, message, type Chat } from '../fakes/example-clients.ts'

// Every file of config/examples, as it is shipped, under a real SDK: what it promises in its first lines is in the rows.

const EXAMPLES = join(import.meta.dirname, '../../config/examples')
const tried = new Set<string>()

let engine: TestEngine
/** Two providers where an example has two; every other one has the first. */
let simulator: Simulator
let second: Simulator
let app: Composed | undefined

beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator()
  second = await startSimulator({ seed: 2 })
})
afterEach(async () => {
  await app?.close()
  app = undefined
  for (const each of [simulator, second]) {
    each.playbill.stop()
    each.forgetRequests()
  }
})
afterAll(async () => {
  await Promise.all([simulator?.close(), second?.close()])
  await engine?.close()
})

async function start(name: string, environment: Record<string, string> = {}, now = systemWorld.now): Promise<Composed> {
  tried.add(`${name}.yaml`)
  const upstreams = {
    OPENAI_UPSTREAM: simulator.url,
    OPENAI_SECOND_UPSTREAM: second.url,
    ANTHROPIC_UPSTREAM: simulator.url,
    GEMINI_UPSTREAM: simulator.url,
  }
  app = await startComposed(
    engine,
    join(EXAMPLES, `${name}.yaml`),
    { ...upstreams, ...environment },
    { ...systemWorld, now },
  )
  return app
}

describe('one policy per strategy', () => {
  it('fixed: one model answers, whatever is asked for, with the client’s own key where the server has none', async () => {
    const proxy = await start('fixed')
    const story = await chat(proxy, 'gpt-5')
    expect(story).toMatchObject({
      route: 'everything',
      reasons: ['fixed'],
      outcome: 'completed 200',
      calls: ['primary openai/gpt-4o-mini completed 200'],
      servedModel: 'gpt-4o-mini-2024-07-18',
    })
    expect(Number(story.costUsd)).toBeGreaterThan(0)
    expect(keysSeenBy(simulator)).toEqual(['Bearer sk-client'])
  })

  it('weighted: conversations are shared out by weight, and each stays with the model it began with', async () => {
    const proxy = await start('weighted', { ANTHROPIC_API_KEY: 'sk-ant-server' })
    const sessions = Array.from({ length: 40 }, (_, index) => `conversation-${index}`)
    const models = async (): Promise<readonly string[]> =>
      Promise.all(
        sessions.map(async (session) => {
          const { route, calls } = await message(proxy, 'claude-anything', { 'x-understudy-session': session })
          expect(route).toBe('chat')
          return calls.join()
        }),
      )
    const first = await models()
    expect(await models()).toEqual(first)
    const haiku = first.filter((call) => call === 'primary anthropic/claude-haiku-4-5 completed 200').length
    const sonnet = first.filter((call) => call === 'primary anthropic/claude-sonnet-4-5 completed 200').length
    expect(haiku + sonnet).toBe(40)
    // 30 of 100, by hashes of the names above: these are 4 standard deviations.
    expect(haiku).toBeGreaterThan(0)
    expect(haiku).toBeLessThan(24)
  })

  it('rules: code, tools and very long prompts have models of their own', async () => {
    const proxy = await start('rules')
    const modelFor = async (changes: Partial<Chat>): Promise<string> => {
      const { route, rule, calls } = await chat(proxy, 'house-model', changes)
      expect(route).toBe('by-need')
      return `${rule}: ${calls.join()}`
    }
    const says = (content: string): Partial<Chat> => ({ messages: [{ role: 'user', content }] })
    const tools: Chat['tools'] = [
      { type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } },
    ]
    const asked = [
      {},
      says('Refactor this, please.'),
      says('Why?\n```ts\nlet a: string = 1\n```'),
      { tools },
      says('The quick brown fox. '.repeat(20_000)),
    ]
    expect(await Promise.all(asked.map(modelFor))).toEqual([
      ': primary openai/gpt-4o-mini completed 200',
      'code: primary openai/gpt-5 completed 200',
      'code: primary openai/gpt-5 completed 200',
      'tools: primary openai/gpt-4o completed 200',
      'very-long: primary openai/gpt-4.1-nano completed 200',
    ])
  })

  it('balance: servers share the traffic, and one that is down is left out, by nobody’s failure, until it is back', async () => {
    const gpus = await Promise.all([aGpuServer(), aGpuServer()])
    const [gpu1, gpu2] = gpus
    onTestFinished(async () => {
      await Promise.all(gpus.map((gpu) => gpu.close()))
    })
    const proxy = await start('balance', { GPU_1_UPSTREAM: gpu1.url, GPU_2_UPSTREAM: gpu2.url })
    const ask = (session: number): Promise<string | null> =>
      askChat(proxy, 'llama', { mount: '/p/gpu-1/v1', headers: { 'x-understudy-session': String(session) } })
    const stories = (traceIds: readonly (string | null)[]): Promise<readonly Story[]> =>
      Promise.all(traceIds.map((id) => proxy.story(id)))
    const sessions = Array.from({ length: 30 }, (_, index) => index)
    const well = await stories(await Promise.all(sessions.map(ask)))
    const on = (server: string, all: readonly Story[]): number =>
      all.filter(({ calls }) => calls.at(-1)?.includes(` ${server}/llama completed 200`)).length
    expect(on('gpu-1', well) + on('gpu-2', well)).toBe(30)
    expect(on('gpu-1', well)).toBeGreaterThan(0)
    expect(on('gpu-2', well)).toBeGreaterThan(on('gpu-1', well))

    gpu2.playbill.play('outage')
    const asked: (string | null)[] = []
    for (const session of sessions) asked.push(await ask(session))
    const ill = await stories(asked)
    expect(on('gpu-1', ill)).toBe(30)
    // A few failures, each of them a fallback, and then it is asked last, or by probes only.
    const fallbacks = ill.filter(({ calls }) => calls.length > 1)
    expect(fallbacks.length).toBeLessThan(on('gpu-2', well))
    expect(fallbacks[0]?.calls).toEqual([
      'primary gpu-2/llama refused 500',
      'fallback gpu-1/llama completed 200 after error',
    ])
    expect((await proxy.states())['gpu-2/*']).toMatch(/degraded|open|probing/)
  })
})

describe('the common wishes', () => {
  it('failover: the second account answers, with its own key, when the first is down or over its limit', async () => {
    const proxy = await start('failover-two-accounts', {
      OPENAI_API_KEY: 'sk-first',
      OPENAI_SECOND_API_KEY: 'sk-second',
    })
    expect(await chat(proxy, 'gpt-4o')).toMatchObject({
      route: 'two-accounts',
      calls: ['primary openai/gpt-4o completed 200'],
    })
    simulator.playbill.play('outage')
    expect(await chat(proxy, 'gpt-4o')).toMatchObject({
      outcome: 'completed 200',
      calls: ['primary openai/gpt-4o refused 500', 'fallback openai-second/gpt-4o completed 200 after error'],
    })
    simulator.playbill.play('rate-limit-storm')
    expect((await chat(proxy, 'gpt-4o')).calls).toEqual([
      'primary openai/gpt-4o refused 429',
      'fallback openai-second/gpt-4o completed 200 after rate_limit',
    ])
    expect(keysSeenBy(simulator)).toEqual(['Bearer sk-first', 'Bearer sk-first', 'Bearer sk-first'])
    expect(keysSeenBy(second)).toEqual(['Bearer sk-second', 'Bearer sk-second'])
  })

  it('short prompts: the cheap model, until it fails, the prompt is long or the conversation goes on', async () => {
    const proxy = await start('short-prompts')
    const long: Chat['messages'] = [{ role: 'user', content: 'The quick brown fox. '.repeat(500) }]
    const third: Chat['messages'] = [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'How are you?' },
      { role: 'assistant', content: 'Well' },
      { role: 'user', content: 'And now?' },
    ]
    const other = { reasons: ['no_rule_held'], calls: ['primary openai/gpt-4o completed 200'] }
    const asked = [{}, { messages: long }, { messages: third }]
    expect(await Promise.all(asked.map((changes) => chat(proxy, 'gpt-4o', changes)))).toMatchObject([
      { reasons: ['rule_held'], calls: ['primary openai/gpt-4o-mini completed 200'] },
      other,
      other,
    ])
    simulator.playbill.play('outage', { model: 'gpt-4o-mini' })
    expect((await chat(proxy, 'gpt-4o')).calls).toEqual([
      'primary openai/gpt-4o-mini refused 500',
      'fallback openai/gpt-4o completed 200 after error',
    ])
  })

  it('canary: about a twentieth of the conversations, always the same ones, and its failures cost no answer', async () => {
    const proxy = await start('canary', { OPENAI_API_KEY: 'sk-server' })
    const sessions = Array.from({ length: 100 }, (_, index) => `session-${index}`)
    const all = async (): Promise<readonly Story[]> =>
      Promise.all(sessions.map((session) => chat(proxy, 'gpt-4o', { headers: { 'x-understudy-session': session } })))
    const isCanary = ({ calls }: Story): boolean => calls[0]?.includes('gpt-4.1-nano') === true
    const first = await all()
    expect(first.filter(isCanary).length).toBeGreaterThan(0)
    expect(first.filter(isCanary).length).toBeLessThan(14)
    expect(new Set(first.map(({ outcome }) => outcome))).toEqual(new Set(['completed 200']))

    simulator.playbill.play('outage', { model: 'gpt-4.1-nano' })
    const again = await all()
    expect(again.map(isCanary)).toEqual(first.map(isCanary))
    expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['completed 200']))
    expect(again.find(isCanary)?.calls).toEqual([
      'primary openai/gpt-4.1-nano refused 500',
      'fallback openai/gpt-4o completed 200 after error',
    ])
  })

  it('teams: each has its model, and others pass through as they are', async () => {
    const proxy = await start('teams')
    const of = async (team?: string): Promise<Pick<Story, 'route' | 'calls'>> =>
      message(proxy, 'claude-sonnet-5-5', team === undefined ? {} : { 'x-understudy-team': team })
    const research = { route: 'research', calls: ['primary anthropic/claude-opus-4-5 completed 200'] }
    const support = { route: 'support', calls: ['primary anthropic/claude-haiku-4-5 completed 200'] }
    const asItIs = { route: 'default', calls: ['primary anthropic/claude-sonnet-5-5 completed 200'] }
    expect(
      await Promise.all(['research', 'support', 'support-eu', undefined, 'sales'].map((team) => of(team))),
    ).toMatchObject([research, support, support, asItIs, asItIs])
  })

  it('alias: gpt-4o means another model, and a name of the house means one at a provider', async () => {
    const proxy = await start('alias')
    expect(await Promise.all(['gpt-4o', 'house-fast', 'gpt-5'].map((model) => chat(proxy, model)))).toMatchObject([
      { route: 'default', reasons: ['default_route', 'alias'], calls: ['primary openai/gpt-4o-mini completed 200'] },
      { calls: ['primary openai/gpt-4.1-nano completed 200'] },
      { calls: ['primary openai/gpt-5 completed 200'] },
    ])
  })

  it('time of day: the cheaper model works at night and on weekends', async () => {
    const clock = { now: Date.parse('2026-11-20T11:00:00Z') }
    const proxy = await start('time-of-day', {}, () => clock.now)
    const client = new GoogleGenAI({ apiKey: 'AIza-client', httpOptions: { baseUrl: `${proxy.url}/gemini` } })
    const at = async (time: string): Promise<string | null> => {
      clock.now = Date.parse(time)
      const answer = await client.models.generateContent({ model: 'gemini-2.5-pro', contents: 'What is 17 + 25?' })
      return answer.sdkHttpResponse?.headers?.['x-understudy-trace-id'] ?? null
    }
    // 2026-11-20 is a Friday; Berlin is an hour ahead.
    const cheap = ['primary gemini/gemini-2.5-flash-lite completed 200']
    const asked: (string | null)[] = []
    for (const time of ['2026-11-20T11:00:00Z', '2026-11-20T19:30:00Z', '2026-11-20T05:59:00Z', '2026-11-21T11:00:00Z'])
      asked.push(await at(time))
    expect(await Promise.all(asked.map((id) => proxy.story(id)))).toMatchObject([
      { route: 'default', calls: ['primary gemini/gemini-2.5-pro completed 200'] },
      { route: 'night', calls: cheap },
      { route: 'night', calls: cheap },
      { route: 'weekend', calls: cheap },
    ])
  })

  it('fallback on everything: also after a refusal, and after JSON that breaks off', async () => {
    const proxy = await start('fallback-on-everything')
    const only = { model: 'gpt-4o-mini' }
    simulator.playbill.play('refusal', only)
    expect((await chat(proxy, 'gpt-4o-mini')).calls).toEqual([
      'primary openai/gpt-4o-mini completed 200',
      'fallback openai/gpt-4o completed 200 after refusal',
    ])
    simulator.playbill.play('invalid-json', only)
    expect((await chat(proxy, 'gpt-4o-mini', { response_format: { type: 'json_object' } })).calls).toEqual([
      'primary openai/gpt-4o-mini completed 200',
      'fallback openai/gpt-4o completed 200 after invalid_json',
    ])
    simulator.playbill.play('context-window', only)
    simulator.playbill.play('outage', { model: 'gpt-4o' })
    expect(await chat(proxy, 'gpt-4o-mini')).toMatchObject({
      outcome: 'completed 200',
      servedModel: 'gpt-5-2025-08-07',
      calls: [
        'primary openai/gpt-4o-mini refused 400',
        'fallback openai/gpt-4o refused 500 after context_window',
        'fallback openai/gpt-5 completed 200 after error',
      ],
    })
  })
})

describe('beside live traffic', () => {
  it('shadow: half is answered twice, unseen, and a judge has compared each pair', async () => {
    const proxy = await start('shadow', { OPENAI_API_KEY: 'sk-server', JUDGE_MODEL: 'judge-fair' })
    for (let sent = 0; sent < 40; sent += 1) await askChat(proxy, 'gpt-4o', {})
    await expect
      .poll(
        async () => {
          const { mirrored, compared, skipped } = await proxy.funnel()
          // Not sampled, and on a machine that is short of time left out for that.
          const left = Object.values(skipped).reduce((sum, count) => sum + count, 0)
          return compared === mirrored ? compared + left : undefined
        },
        { timeout: 20_000 },
      )
      .toBe(40)
    const { compared } = await proxy.funnel()
    expect(compared).toBeGreaterThan(4)
    await expect.poll(proxy.verdicts, { timeout: 20_000 }).toBe(compared)
  })

  it('audit: each route and each model that it may lead to is asked everything, without being told to', async () => {
    const proxy = await start('audit', { OPENAI_API_KEY: 'sk-server' })
    await expect
      .poll(proxy.audited, { timeout: 20_000 })
      .toEqual(['chat 12/12', 'openai/gpt-4o 12/12', 'openai/gpt-4o-mini 12/12'])
  })

  it('feedback: what a judge says is awaited before any weight moves', async () => {
    const proxy = await start('feedback', { OPENAI_API_KEY: 'sk-server', JUDGE_MODEL: 'judge-fair' })
    const answered = await Promise.all(Array.from({ length: 40 }, () => askChat(proxy, 'gpt-4o', {})))
    expect(answered).toHaveLength(40)
    await expect.poll(proxy.feedback, { timeout: 30_000 }).toMatch(/^frozen: Nobody says how good the answers are/)
  })

  it('first hour: nothing is tried before somebody says so, then the shadow, then the rollout', async () => {
    const proxy = await start('first-hour')
    await askChat(proxy, 'gpt-4o', {})
    expect((await proxy.funnel()).eligible).toBe(0)
    expect(await proxy.post('/admin/shadows/cheaper/on')).toMatchObject({ status: 200, json: { on: true } })
    const compared = async (): Promise<number> => {
      for (let sent = 0; sent < 8; sent += 1) await askChat(proxy, 'gpt-4o', {})
      return (await proxy.funnel()).compared
    }
    await expect.poll(compared, { timeout: 20_000 }).toBeGreaterThan(0)
    // The file's draft is first put on record by whoever decides.
    await expect
      .poll(() => proxy.post('/admin/rollouts/cheaper/start'), { timeout: 20_000 })
      .toMatchObject({ status: 200, json: { phase_text: 'ramping at 10%', percent: 10 } })
  })

  it('rollout: it starts by itself, unseen, and a judge compares its candidate with stable', async () => {
    const proxy = await start('rollout', { OPENAI_API_KEY: 'sk-server', JUDGE_MODEL: 'judge-fair' })
    const before = await proxy.verdicts()
    const compared = async (): Promise<number> => {
      for (let sent = 0; sent < 8; sent += 1) await askChat(proxy, 'gpt-4o', {})
      return (await proxy.funnel()).compared
    }
    await expect.poll(compared, { timeout: 40_000, interval: 500 }).toBeGreaterThan(0)
    await expect.poll(proxy.verdicts, { timeout: 20_000 }).toBeGreaterThan(before)
  })
})

it('every example there is has been tried above', () => {
  expect([...tried].toSorted()).toEqual(readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml')))
})
