import { Agent, request } from 'node:http'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import type { TestEngine } from './clickhouse.ts'
import { changeWeights, untilWeights } from './live-proxies.ts'
import { aProxyHome, queryAs, type ProxyHome, type ProxyProcess, type Query } from './proxy-process.ts'

/** Two proxies with routes of every kind over one store, in front of simulated models. */
export type RoutedRun = {
  readonly homes: readonly ProxyHome[]
  readonly proxies: readonly ProxyProcess[]
  readonly rows: Query
  /** Sends `count` requests of `sessions` sessions to both proxies at once, a few at a time, to the route `canary`. */
  readonly sendCanary: (count: number, sessions: number) => Promise<void>
  /** Sends `count` requests to all routes, some of which fail, fall back or fit nothing. */
  readonly sendMixed: (count: number) => Promise<void>
  /** Sets the share of the canary at the first proxy, and waits until both have it. */
  readonly setShare: (percent: number) => Promise<void>
  /** Waits until every row is stored. */
  readonly drained: () => Promise<void>
  readonly close: () => Promise<void>
}

const AT_ONCE = 16
/** Only the proxies know it: whoever replays has no such variable. */
const ENVIRONMENT = { SIMULATED_KEY: 'sk-simulated-0123456789' }

function settings(simulator: string, store: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const openai = { dialect: 'openai', base_url: simulator }
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store,
    providers: {
      openai: { ...openai, api_key: '${SIMULATED_KEY}' },
      second: { ...openai, api_key: '${SECOND_KEY:-sk-second-0123456789}' },
      keyless: { ...openai, api_key: '${NOBODY_SETS_THIS:-}' },
    },
    aliases: { best: 'second/b' },
    labels: { complexity: [{ label: 'complex', when: { keywords: ['prove', 'derive'] } }] },
    routes: {
      canary: {
        match: { model: 'gpt-canary' },
        strategy: 'weighted',
        targets: [
          { target: 'openai/a', weight: 90 },
          { target: 'second/b', weight: 10 },
        ],
      },
      complex: {
        match: { model: 'gpt-*', complexity: 'complex' },
        target: 'openai/a',
        fallbacks: ['keyless/a', 'second/b'],
      },
      rules: {
        match: { model: 'gpt-rules', headers: { 'x-env': 'prod*' } },
        rules: [
          { name: 'tools', when: { needs: ['tools'] }, target: 'second/b' },
          { name: 'short', when: { input_tokens: { below: 30 } }, target: 'openai/flaky' },
        ],
        otherwise: 'openai/a',
        fallbacks: ['second/b'],
      },
      balance: {
        match: { model: 'gpt-balance' },
        strategy: 'balance',
        targets: [
          { target: 'openai/flaky', weight: 2 },
          { target: 'second/b', weight: 1 },
          { target: 'keyless/a', weight: 1 },
          { target: 'openai/a', weight: 0 },
        ],
      },
      nowhere: { match: { model: 'gpt-nowhere' }, target: 'keyless/a' },
    },
  }
}

const WORDS = [
  'prove that 17 is prime',
  'hello',
  'derive it',
  'write a long poem about the sea and the ships on it '.repeat(6),
]

/** The n-th request of a mixed run. */
function mixed(n: number): readonly [body: object, headers: Readonly<Record<string, string>>] {
  const model = ['gpt-canary', 'gpt-rules', 'gpt-balance', 'gpt-nowhere', 'gpt-other', 'best', 'a'][n % 7]
  const messages = [{ role: 'user', content: WORDS[n % 5] ?? `Question ${n}` }]
  const tools = n % 3 === 0 ? { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] } : {}
  const named = n % 11 === 0 ? { 'x-understudy-route': 'rules' } : {}
  const user = n % 2 === 0 ? { 'x-understudy-user': `user-${n % 40} "quoted" é` } : {}
  return [
    { model, messages, ...tools },
    { 'x-env': n % 4 === 0 ? 'dev' : 'production', ...named, ...user },
  ]
}

export async function startRoutedRun(engine: TestEngine, database: string): Promise<RoutedRun> {
  const models = [
    aModel('a', { isCanned: true }),
    aModel('b', { isCanned: true }),
    aModel('flaky', { faults: [{ fault: 'status@503', probability: 0.3 }] }),
  ]
  const simulator = await startSimulator({ models })
  const store = { kind: 'url', url: engine.engine.url, username: 'app', password: 'app', database }
  const start = () => aProxyHome(settings(simulator.url, store), { environment: ENVIRONMENT })
  const homes = await Promise.all([start(), start()])
  const proxies = await Promise.all(homes.map((home) => home.start()))
  await Promise.all(proxies.map((proxy) => proxy.stored()))
  const agent = new Agent({ keepAlive: true })

  const post = (port: number, body: object, headers: Readonly<Record<string, string>>): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          agent,
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/openai/v1/chat/completions',
          headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client', ...headers },
        },
        (answer) =>
          answer
            .resume()
            .once('end', () => resolve(answer.statusCode ?? 0))
            .once('error', reject),
      )
      sent.once('error', reject).end(JSON.stringify(body))
    })

  /** Each client of several takes the next request when it is answered; every other one asks the other proxy. */
  async function send(
    count: number,
    ask: (n: number) => readonly [object, Readonly<Record<string, string>>],
  ): Promise<void> {
    let next = 0
    const client = async (): Promise<void> => {
      for (let n = next++; n < count; n = next++) {
        const [body, headers] = ask(n)
        await post(homes[n % 2]?.port ?? 0, body, headers)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
  }

  return {
    homes,
    proxies,
    rows: queryAs(engine.engine.url, { username: 'app', password: 'app', database }),
    sendCanary: (count, sessions) => {
      const body = { model: 'gpt-canary', messages: [{ role: 'user', content: 'Hi' }] }
      // By halves, so that every session is seen by both proxies.
      return send(count, (n) => [body, { 'x-understudy-session': `s${Math.floor(n / 2) % sessions}` }])
    },
    sendMixed: (count) => send(count, mixed),
    setShare: async (percent) => {
      const [first] = proxies
      if (first === undefined) return
      const weights = { 'openai/a': 100 - percent, 'second/b': percent }
      const put = await changeWeights(first, 'canary', { weights, reason: `${percent} %` })
      if (put.status !== 200) throw new Error(JSON.stringify(put.json))
      for (const proxy of proxies) {
        await untilWeights(proxy, 'canary', (now) => now.weights['second/b'] === percent)
      }
    },
    drained: async () => {
      await Promise.all(proxies.map((proxy) => proxy.drained()))
    },
    close: async () => {
      agent.destroy()
      await Promise.all(homes.map((home) => home.close()))
      await simulator.close()
    },
  }
}
