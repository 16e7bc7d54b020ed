import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Shadow } from '../../src/domain/shadow/shadow.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { aProvider } from '../fakes/a-provider.ts'
import { aShadow, type MirrorRecord, startMirrored } from '../fakes/a-shadow.ts'
import type { TestProxy } from '../fakes/proxy.ts'

// What a candidate does must change nothing for clients: each fault is let loose on it while the same requests are
// asked with and without the shadow.

const faults: readonly (readonly [name: string, fault: string, kind: string])[] = [
  ['refuses', 'status@400', 'refused'],
  ['fails', 'status@500', 'error'],
  ['crashes before it answers', 'cut', 'unreachable'],
  ['crashes while it answers', 'reset@3', 'cut'],
  ['never answers', 'hang', 'timeout'],
  ['falls silent', 'hang@3', 'timeout'],
  ['drips', 'split@1,drip@20', 'timeout'],
  ['is no HTTP', 'garbage@http', 'unreachable'],
  ['says HTML for JSON', 'garbage@json', 'unreadable'],
  ['never stops talking', 'gigantic@104857600', 'too_large'],
  ['is compressed although it was asked not to be', 'encode@gzip', ''],
]

let other: Simulator

beforeAll(async () => {
  const models = faults.map(([, fault], i) => aModel(`c${i}`, { faults: [{ fault, probability: 1 }] }))
  other = await startSimulator({ models })
})
afterAll(() => other.close())

/** A provider that says the same each time: its seed, its clock and what it is asked are. */
async function startLive(): Promise<Simulator> {
  const models = [aModel('stable', { outputTokens: { min: 20, max: 20 } })]
  const live = await startSimulator({ models, seed: 1, now: () => Date.UTC(2026, 10, 20) })
  onTestFinished(() => live.close())
  return live
}

type Run = MirrorRecord & { readonly proxy: TestProxy }

async function withCandidate(model: string, changes: Partial<Shadow> = {}, url = other.url): Promise<Run> {
  const live = await startLive()
  const openai = aProvider({ name: 'openai', baseUrl: new URL(live.url), apiKey: 'sk-server' })
  const elsewhere = aProvider({ name: 'other', baseUrl: new URL(url), apiKey: 'sk-other' })
  const target = { key: `other/${model}`, provider: 'other', model }
  const run = await startMirrored(live.url, [aShadow({ candidates: [target], timeoutMs: 300, ...changes })], {
    policy: {
      providers: new Map([
        ['openai', openai],
        ['other', elsewhere],
      ]),
    },
  })
  onTestFinished(() => run.close())
  return run
}

type Said = { readonly status: number; readonly type: string | null; readonly body: string }

/** The same four requests each time: plain, streamed, one that fails, one that is refused. */
async function fourAnswers({ proxy }: Run): Promise<readonly Said[]> {
  const ask = async (body: Record<string, unknown>, headers: Record<string, string>): Promise<Said> => {
    const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'stable', messages: [{ role: 'user', content: 'What is 17 + 25?' }], ...body }),
    })
    return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() }
  }
  return [
    await ask({}, {}),
    await ask({ stream: true }, {}),
    await ask({}, { 'x-sim-fault': 'status@500' }),
    await ask({ model: 'nobody' }, {}),
  ]
}

describe('while the candidate', () => {
  test.each(faults.map(([name, , kind], index) => [name, index, kind] as const))(
    '%s, clients get the very same bytes and statuses',
    async (_, index, kind) => {
      const without = await fourAnswers(await withCandidate(`c${index}`, { isEnabled: false }))
      const run = await withCandidate(`c${index}`)
      expect(await fourAnswers(run)).toEqual(without)
      await run.settled(4)
      expect(run.proxy.errors).toEqual([])
      expect(run.mirror.status()[0]).toMatchObject({ running: 0, queued: 0, heldBytes: 0 })
      expect(run.count('mirrored')).toBe(4)
      expect(run.count(kind === '' ? 'compared' : 'failed', kind)).toBeGreaterThan(0)
    },
  )

  test('is not there at all, clients notice nothing', async () => {
    const gone = await startSimulator()
    await gone.close()
    const run = await withCandidate('c0', {}, gone.url)
    expect((await fourAnswers(run)).map(({ status }) => status)).toEqual([200, 200, 500, 404])
    await run.settled(4)
    expect(run.count('failed', 'unreachable')).toBe(4)
  })
})

describe('a shadow', () => {
  const chat = { model: 'stable', messages: [{ role: 'user', content: 'What is 17 + 25?' }] }
  const ask = ({ proxy }: Run, body: object = chat): Promise<string> =>
    fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then((answer) => answer.text())

  test.each([
    ['for as long as it is asked to', 'status@429,retry-after@20', 20_000],
    ['for a minute where nobody says how long', 'status@503', 60_000],
  ] as const)('leaves a provider alone after its first sign of too much, %s', async (_, fault, pauseMs) => {
    other.setModel('limited', { faults: [{ fault, probability: 1 }] })
    const run = await withCandidate('limited')
    const before = Date.now()
    await ask(run)
    await run.settled(1)
    expect(run.count('failed', 'rate_limited')).toBe(1)
    await ask(run)
    await run.settled(2)
    expect(run.count('skipped', 'backed_off')).toBe(1)
    const until = run.mirror.status()[0]?.backedOffUntil ?? 0
    expect(until - before).toBeGreaterThanOrEqual(pauseMs)
    expect(until - before).toBeLessThan(pauseMs + 5_000)
  })

  test('takes none of the slots of live calls, and no more than its own', async () => {
    other.setModel('slow', { faults: [{ fault: 'hang', probability: 1 }] })
    const run = await withCandidate('slow', { maxConcurrent: 2, maxQueued: 3, timeoutMs: 60_000 })
    for (let i = 0; i < 10; i++) await ask(run)
    expect(run.mirror.status()[0]).toMatchObject({ running: 2, queued: 3 })
    expect(run.count('skipped', 'queue_full')).toBe(5)
    expect(run.proxy.slotUse().every(({ inFlight }) => inFlight === 0)).toBe(true)
    run.mirror.close()
    expect(run.count('skipped', 'shutting_down')).toBe(3)
    expect(run.count('failed', 'aborted')).toBe(2)
    expect(run.mirror.status()[0]).toMatchObject({ running: 0, queued: 0, heldBytes: 0 })
  })

  test('rests while live calls wait for a slot', async () => {
    let waiting = 1
    other.setModel('well', {})
    const live = await startLive()
    const run = await startMirrored(live.url, [aShadow()], { mirror: { liveQueue: () => waiting } })
    onTestFinished(() => run.close())
    await ask(run)
    await run.settled(1)
    expect(run.count('skipped', 'live_load')).toBe(1)
    waiting = 0
    live.setModel('candidate', {})
    await ask(run)
    await run.settled(2)
    expect(run.count('compared')).toBe(1)
  })

  test.each([
    ['the event loop is late', { lateLoopMs: -1 }],
    ['more pairs wait to be compared than can be in good time', { isComparingBehind: () => true }],
  ])('rests while %s', async (_, mirror) => {
    const live = await startLive()
    live.setModel('candidate', {})
    const run = await startMirrored(live.url, [aShadow()], { mirror })
    onTestFinished(() => run.close())
    await ask(run)
    await run.settled(1)
    expect(run.count('skipped', 'live_load')).toBe(1)
  })

  test('stops within one request of its budget, and begins no call that would pass it', async () => {
    // 25 tokens in and at most 1,000 out at 4 USD a million: 0.004 USD are set aside, and what was spent is put back.
    other.setModel('dear', { outputTokens: { min: 500, max: 500 } })
    const budget = { perHour: 50_000_000_000n, perDay: 50_000_000_000n }
    const run = await withCandidate('dear', { budget, maxConcurrent: 3, timeoutMs: 20_000 })
    for (let i = 0; i < 60; i++) {
      await ask(run, { ...chat, ...(i % 2 === 0 ? { max_tokens: 1_000 } : {}), user: String(i) })
      await run.settled(i + 1)
    }
    const spent = run.calls.reduce((sum, { cost }) => sum + (cost.kind === 'priced' ? cost.picoUsd : 0n), 0n)
    const [dearest = 0n] = run.calls
      .map(({ cost }) => (cost.kind === 'priced' ? cost.picoUsd : 0n))
      .toSorted((a, b) => Number(b - a))
    expect(run.count('skipped', 'budget')).toBeGreaterThan(10)
    expect(spent <= budget.perHour + dearest).toBe(true)
    expect(spent >= budget.perHour - 2n * 4_100_000_000n).toBe(true)
    expect(run.mirror.status()[0]?.spent).toEqual({ hour: spent, day: spent })
  })

  test('counts what an earlier process spent', async () => {
    other.setModel('well', {})
    const run = await withCandidate('well', { budget: { perHour: 1_000_000_000_000n, perDay: 1_000_000_000_000n } })
    run.mirror.addSpend(new Map([['trial', { hour: 0n, day: 1_000_000_000_000n }]]))
    await ask(run)
    await run.settled(1)
    expect(run.count('skipped', 'budget')).toBe(1)
  })
})
