import { expect, it, onTestFinished } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { untilRollout } from '../fakes/live-rollouts.ts'
import { aProxyHome, queryAs, type Settings } from '../fakes/proxy-process.ts'

const ASKED = 1_500

/** One route, and one rollout from the shadow on, for each candidate. */
function settings(store: Settings, simulatorUrl: string, candidates: readonly string[]): Settings {
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { requests: false },
    store,
    providers: { openai: { dialect: 'openai', base_url: simulatorUrl, api_key: 'sk-test' } },
    prices: [{ model: '*', input: 0.1, output: 0.1 }],
    decider: { tick: '200ms', speed: 10_000 },
    routes: Object.fromEntries(
      candidates.map((name) => [name, { match: { tags: { feature: name } }, target: 'openai/lead' }]),
    ),
    rollouts: Object.fromEntries(
      candidates.map((name) => [
        name,
        {
          route: name,
          candidate: `openai/${name}`,
          metric: 'answered',
          shadow: { sample: '100%', min_pairs: 20, quality_margin: '10%', success_margin: '10%' },
          steps: ['50%'],
        },
      ]),
    ),
  }
}

it('from the shadow a good candidate goes on stage, and one that fails is gone before anybody has seen it', async () => {
  const engine = await startTestEngine()
  onTestFinished(() => engine.close())
  const simulator = await startSimulator({
    models: [
      aModel('lead'),
      aModel('good'),
      aModel('failing', { faults: [{ fault: 'status@500', probability: 0.3 }] }),
    ],
  })
  onTestFinished(() => simulator.close())
  const address = { url: engine.engine.url, username: 'app', password: 'app', database: 'shadow' }
  const home = await aProxyHome(settings({ kind: 'url', ...address }, simulator.url, ['good', 'failing']))
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  for (const name of ['good', 'failing']) await untilRollout(proxy, name, ({ phase }) => phase === 'shadow')

  let asked = 0
  let isOver = false
  const ask = async (): Promise<void> => {
    while (!isOver && asked < ASKED) {
      const feature = ['good', 'failing'][(asked += 1) % 2]
      const answer = await fetch(`${home.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-understudy-session': `s-${asked}`,
          'x-understudy-tags': `feature=${feature}`,
        },
        body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: `${asked}` }] }),
      })
      await answer.text()
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }
  const asking = Promise.all([ask(), ask(), ask()])
  onTestFinished(() => void (isOver = true))
  await untilRollout(proxy, 'failing', ({ phase }) => phase === 'rolled_back')
  await untilRollout(proxy, 'good', ({ percent }) => percent === 50)
  isOver = true
  await asking
  await proxy.drained()

  const rows = queryAs(engine.engine.url, address)
  const seen = await rows("SELECT count() AS n FROM traces WHERE route = 'failing' AND arm = 'candidate'")
  expect(seen).toEqual([{ n: 0 }])
  const decisions = await rows<{
    rollout: string
    action: string
    rule: string
    stage: string
    checks: readonly { guardrail: string; count: number }[]
  }>(
    "SELECT rollout, action, rule, stage, checks FROM rollout_decisions WHERE action IN ('step', 'rollback') ORDER BY rollout LIMIT 1 BY rollout",
  )
  expect(decisions).toMatchObject([
    { rollout: 'failing', action: 'rollback', rule: 'harm', stage: 'shadow' },
    { rollout: 'good', action: 'step', rule: 'non_inferior', stage: 'shadow' },
  ])
  for (const guardrail of ['quality', 'success']) {
    const check = decisions[1]?.checks.find((each) => each.guardrail === guardrail)
    expect(check?.count).toBeGreaterThanOrEqual(20)
  }
})
