import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { aModel, judgeHabits } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { aProxyHome, type ProxyHome, type ProxyProcess, settingsFor } from './proxy-process.ts'

const CLIENTS = 6
/** Answers between two kills. */
const ANSWERS = 80

/** What a client got to its last byte. */
type Answer = { readonly status: number; readonly type: string | null; readonly sha: string }

type Shown = { readonly shadows: readonly { readonly funnel: { readonly compared: number } }[] }

/**
 * Kills a proxy with SIGKILL under shadow traffic, `kills` times, while candidate and judge hang, fail, cut and babble and
 * every second time ClickHouse hangs as well. Then what clients got is compared with a run without shadows, and what the
 * proxy had said that it compared, scored and took as feedback, with the tables.
 */
export async function expectKeptUnderKills(kills: number): Promise<void> {
  const live = await startSimulator({
    models: [aModel('stable', { outputTokens: { min: 5, max: 40 }, firstByteMs: 5 })],
    seed: 1,
    now: () => Date.UTC(2026, 10, 20),
  })
  onTestFinished(() => live.close())
  const trouble = [
    { fault: 'hang', probability: 0.05 },
    { fault: 'reset@3', probability: 0.1 },
    { fault: 'garbage@json', probability: 0.1 },
    { fault: 'status@500', probability: 0.1 },
  ]
  const other = await startSimulator({
    models: [aModel('candidate', { faults: trouble }), aModel('judge', { judges: judgeHabits(), faults: trouble })],
  })
  onTestFinished(() => other.close())
  const providers = {
    openai: { dialect: 'openai', base_url: live.url, api_key: 'sk-live' },
    other: { dialect: 'openai', base_url: other.url, api_key: 'sk-other' },
  }
  const budget = { per_hour: 100, per_day: 100 }
  const shadowing = {
    providers,
    prices: [{ model: '*', input: 1, output: 4 }],
    shadows: {
      trial: {
        sample: '100%',
        aa_share: '10%',
        candidates: 'other/candidate',
        timeout: '300ms',
        max_concurrent: 8,
        budget,
      },
    },
    quality: { evaluate: '100%' },
    judge: { target: 'other/judge', sample: { live: '20%' }, timeout: '300ms', budget },
  }
  const home = await aProxyHome(settingsFor(live.url, shadowing))
  onTestFinished(() => home.close())

  const answers = new Map<string, Answer>()
  const feedback = new Set<string>()
  const known = { compared: 0, scored: 0 }
  const traffic = startTraffic(home, answers, feedback)
  onTestFinished(traffic.stop)
  let proxy = await home.start()
  for (let kill = 0; kill < kills; kill++) {
    const engine = kill % 2 === 1 ? await hungEngine(proxy) : undefined
    await traffic.answers(ANSWERS)
    const told = await toldBy(proxy)
    known.compared += told.compared
    known.scored += told.scored
    expect((await proxy.end('SIGKILL')).signal).toBe('SIGKILL')
    if (engine !== undefined) process.kill(engine, 'SIGKILL') // hung, it does not see that its proxy is gone
    proxy = await home.start()
  }
  await traffic.answers(ANSWERS / 2)
  await traffic.stop()
  await proxy.stored()
  await proxy.drained()
  await expectKept(proxy, known, feedback)
  await proxy.end('SIGTERM')

  home.configure(settingsFor(live.url, { providers, prices: shadowing.prices }))
  await home.start()
  for (const [body, answer] of answers) expect(await ask(home, body)).toMatchObject(answer)
}

async function hungEngine(proxy: ProxyProcess): Promise<number> {
  await proxy.stored()
  const pid = proxy.enginePid()
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => killIfThere(pid))
  return pid
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // As it should be.
  }
}

/** What a process says of itself just before it is killed. */
async function toldBy(proxy: ProxyProcess): Promise<{ readonly compared: number; readonly scored: number }> {
  const { shadows }: Shown = JSON.parse((await proxy.admin('/admin/shadows')).text)
  return {
    compared: shadows[0]?.funnel.compared ?? 0,
    scored: (await proxy.metric('understudy_scored_total', { what: 'answer' })) ?? 0,
  }
}

async function expectKept(
  proxy: ProxyProcess,
  known: { readonly compared: number; readonly scored: number },
  feedback: ReadonlySet<string>,
): Promise<void> {
  const funnel = new Map(
    (
      await proxy.rows<{ stage: string; n: number }>(
        'SELECT stage, sum(requests) AS n FROM understudy.shadow_funnel GROUP BY stage',
      )
    ).map(({ stage, n }) => [stage, Number(n)]),
  )
  const at = (stage: string): number => funnel.get(stage) ?? 0
  expect(known.compared).toBeGreaterThan(50)
  expect(at('compared')).toBeGreaterThanOrEqual(known.compared)
  expect(at('failed')).toBeGreaterThan(0)
  expect(at('eligible')).toBe(at('skipped') + at('mirrored'))
  expect(at('mirrored')).toBe(at('compared') + at('failed'))
  const [pairs] = await proxy.rows<{ pairs: number; orphans: number }>(
    `SELECT uniqExact(candidate_attempt_id) AS pairs,
       countIf(candidate_attempt_id NOT IN (SELECT attempt_id FROM understudy.attempts WHERE role = 'shadow')
         OR stable_attempt_id NOT IN (SELECT attempt_id FROM understudy.attempts WHERE role = 'primary')) AS orphans
     FROM understudy.v_pairs`,
  )
  expect(Number(pairs?.pairs)).toBeGreaterThanOrEqual(at('compared'))
  expect(Number(pairs?.orphans)).toBe(0)
  const [scores] = await proxy.rows<{ n: number }>(
    "SELECT uniqExact(trace_id) AS n FROM understudy.v_scores WHERE source = 'evaluator'",
  )
  expect(known.scored).toBeGreaterThan(50)
  expect(Number(scores?.n)).toBeGreaterThanOrEqual(known.scored)
  const said = await proxy.rows<{ id: string }>(
    "SELECT toString(trace_id) AS id FROM understudy.v_scores WHERE source = 'application' AND value = 1",
  )
  const stored = new Set(said.map(({ id }) => id))
  expect(feedback.size).toBeGreaterThan(50)
  expect([...feedback].filter((id) => !stored.has(id))).toEqual([])
}

/** Clients that ask one question after the other and say what they think of every answer; who meets a kill asks again. */
function startTraffic(home: ProxyHome, answers: Map<string, Answer>, feedback: Set<string>) {
  let isStopped = false
  let next = 0
  const client = async (): Promise<void> => {
    while (!isStopped) {
      const each = next++
      const messages = [{ role: 'user', content: `What is ${each} + 25?` }]
      const body = JSON.stringify({ model: 'stable', messages, ...(each % 3 === 0 ? { stream: true } : {}) })
      for (;;) {
        const got = await ask(home, body).catch(() => undefined)
        if (got !== undefined) {
          answers.set(body, { status: got.status, type: got.type, sha: got.sha })
          if (await praise(home, got.id).catch(() => false)) feedback.add(got.id)
          break
        }
        await sleep(20) // the next process is not there yet
      }
    }
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, client))
  return {
    answers: async (more: number): Promise<void> => {
      const enough = answers.size + more
      while (answers.size < enough) await sleep(10)
    },
    stop: async (): Promise<void> => {
      isStopped = true
      await running
    },
  }
}

/** Rejects when the answer does not come whole. */
async function ask({ url }: ProxyHome, body: string): Promise<Answer & { readonly id: string }> {
  const answer = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client' },
    body,
  })
  // The simulator numbers its answers: the id alone differs from run to run.
  const text = (await answer.text()).replaceAll(/chatcmpl-\w+/g, 'chatcmpl')
  const sha = createHash('sha256').update(text).digest('hex')
  const id = answer.headers.get('x-understudy-trace-id') ?? ''
  return { status: answer.status, type: answer.headers.get('content-type'), sha, id }
}

/** Whether it was taken. */
async function praise({ url }: ProxyHome, id: string): Promise<boolean> {
  const answer = await fetch(`${url}/understudy/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client' },
    body: JSON.stringify({ trace_id: id, thumbs: 'up' }),
  })
  await answer.arrayBuffer()
  return answer.status === 202
}
