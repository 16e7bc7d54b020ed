import { describe, expect, test } from 'vitest'
import { aSimulator } from '../fakes/a-simulator.ts'
import {
  aJudgePolicy,
  aLiveAnswer,
  anAnsweredPair,
  aScoreWorker,
  aSide,
  chatAnswer,
  chatRequest,
  fixedId,
} from '../fakes/a-score-worker.ts'

const simulator = aSimulator()
const url = (): string => simulator().url
const wrong = {
  ...aSide({ attemptId: fixedId(2), target: { provider: 'sim', model: 'weak' } }),
  body: chatAnswer('It is 41.'),
}

describe('a pair that is handed over', () => {
  test('is compared by every evaluator that says something of both sides, and settles when its rows are kept', async () => {
    const released: (() => void)[] = []
    const { worker, pairs, compare } = aScoreWorker(url(), { pairShare: 0 }, (_rows, release) => released.push(release))
    let outcome: string | undefined
    void compare(anAnsweredPair()).then((settled) => (outcome = settled))
    await worker.idle()
    expect(outcome).toBeUndefined()
    for (const release of released) release()
    await Promise.resolve()
    expect(outcome).toBe('compared')
    expect(pairs.map(({ evaluator }) => evaluator)).toContain('answered')
    expect(pairs.every(({ verdict }) => verdict.kind === 'compared' && verdict.d === 0)).toBe(true)
  })

  test('counts a candidate that gave no answer as worse, without asking the judge', async () => {
    const { worker, pairs, judgeCalls, compare } = aScoreWorker(url())
    await compare(anAnsweredPair({ candidate: { ...wrong, status: 0, body: Buffer.alloc(0) } }))
    await worker.idle()
    const verdicts = new Map(pairs.map(({ evaluator, verdict }) => [evaluator, verdict]))
    expect(verdicts.get('answered')).toMatchObject({ d: -1 })
    expect(verdicts.get('judge')).toMatchObject({ d: -1 })
    expect(judgeCalls).toEqual([])
  })

  test('is judged in both orders, each a call with its own cost', async () => {
    const { worker, pairs, judgeCalls, compare } = aScoreWorker(url(), { model: 'judge-quiet' })
    simulator().setModel('judge-quiet', {
      judges: { noise: 0, firstShare: undefined, lengthWeight: 0, isObedient: false, brokenShare: 0 },
    })
    await compare(anAnsweredPair({ candidate: wrong }))
    await worker.idle()
    const judged = pairs.find(({ evaluator }) => evaluator === 'judge')
    expect(judged).toMatchObject({
      verdict: { kind: 'compared', d: -1, isConsistent: true },
      explanation: 'candidate first: second; stable first: first',
    })
    expect(judgeCalls.map(({ attempt }) => [attempt.role, attempt.outcome.kind])).toEqual([
      ['judge', 'completed'],
      ['judge', 'completed'],
    ])
    const costs = judgeCalls.map(({ attempt }) => (attempt.cost.kind === 'priced' ? attempt.cost.picoUsd : 0n))
    expect(judged?.picoUsd).toBe(costs.reduce((sum, cost) => sum + cost, 0n))
    expect(judged?.version).toMatch(/^judge-quiet\/pairwise-1\/[\da-f]{8}$/)
  })

  test('is not judged by a model that gave one of the answers', async () => {
    const { worker, pairs, compare } = aScoreWorker(url(), { model: 'weak' })
    await compare(anAnsweredPair({ candidate: wrong }))
    await worker.idle()
    expect(pairs.map(({ evaluator }) => evaluator)).not.toContain('judge')
  })

  test('is dropped and said to be when too many wait', async () => {
    const { worker, compare } = aScoreWorker(url(), { pairShare: 0 })
    const outcomes = await Promise.all(Array.from({ length: 1_100 }, () => compare(anAnsweredPair())))
    expect(outcomes.filter((outcome) => outcome === 'queue_full')).toHaveLength(100)
    expect(worker.counts()).toMatchObject({ comparedPairs: 1_000, dropped: 100 })
  })

  test('is unreadable where its answers hold no text', async () => {
    const { compare } = aScoreWorker(url())
    expect(await compare(anAnsweredPair({ api: 'embeddings' }))).toBe('unreadable')
  })
})

describe('the judge', () => {
  test.each([
    ['hangs', 'hang', 'no_reply'],
    ['resets the connection', 'reset', 'no_reply'],
    ['is out of order', 'status@500', 'refused'],
    ['is rate limited', 'status@429', 'refused'],
  ])('that %s makes a verdict that is missing, never a tie', async (_what, fault, why) => {
    simulator().setModel('judge-ill', {
      judges: { noise: 0, firstShare: undefined, lengthWeight: 0, isObedient: false, brokenShare: 0 },
      faults: [{ fault, probability: 1 }],
    })
    const { worker, pairs, compare } = aScoreWorker(url(), { model: 'judge-ill', timeoutMs: 300 })
    expect(await compare(anAnsweredPair({ candidate: wrong }))).toBe('compared')
    await worker.idle()
    const judged = pairs.find(({ evaluator }) => evaluator === 'judge')
    expect(judged?.verdict).toEqual({ kind: 'failed', why })
    expect(worker.counts().judgeFailures).toEqual({ [why]: 1 })
  })

  test('is not asked beyond its budget, and the money is never more than that', async () => {
    const perHour = 4_000_000_000n
    const { worker, pairs, judgeCalls, compare } = aScoreWorker(url(), {
      budget: { perHour, perDay: undefined },
      maxConcurrent: 3,
    })
    for (let each = 0; each < 20; each++) {
      await compare(anAnsweredPair({ traceId: fixedId(each), candidate: { ...wrong, attemptId: fixedId(100 + each) } }))
    }
    await worker.idle()
    const { refused, spend, calls } = worker.counts().desk
    expect(refused.budget).toBeGreaterThan(0)
    expect(calls).toBeGreaterThan(0)
    const costs = judgeCalls.map(({ attempt }) => (attempt.cost.kind === 'priced' ? attempt.cost.picoUsd : 0n))
    const spent = costs.reduce((sum, cost) => sum + cost, 0n)
    expect(spend.hour).toBe(spent)
    expect(spent <= perHour).toBe(true)
    expect(pairs.filter(({ verdict }) => verdict.kind === 'failed' && verdict.why === 'budget').length).toBeGreaterThan(
      0,
    )
  })

  test('without a price is not asked, and each missing verdict says so', async () => {
    const { worker, pairs, judgeCalls, compare } = aScoreWorker(url(), { model: 'sim-plain' })
    await compare(anAnsweredPair())
    await worker.idle()
    expect(judgeCalls).toEqual([])
    expect(worker.counts().desk.refused).toEqual({ budget: 0, unpriced: 1 })
    const judged = pairs.find(({ evaluator }) => evaluator === 'judge')
    expect(judged?.verdict).toEqual({ kind: 'failed', why: 'unpriced' })
  })
})

describe('live answers', () => {
  test('are scored by the evaluators, and by the judge on five levels', async () => {
    const { worker, scores } = aScoreWorker(url())
    worker.live.offer(aLiveAnswer())
    await worker.idle()
    const byName = new Map(scores.map((score) => [score.evaluator, score]))
    expect(byName.get('answered')).toMatchObject({ value: 1, source: 'evaluator', attemptId: undefined })
    expect([0, 0.25, 0.5, 0.75, 1]).toContain(byName.get('judge')?.value)
    expect(byName.get('judge')).toMatchObject({ source: 'judge', about: { route: 'default', task: 'math' } })
  })

  test('are wanted by their share, of a task that is seldom asked one at least, and none while nothing is scored', () => {
    const { worker, setScoring } = aScoreWorker(url())
    const wanted = (task: string, leastShare = 0): number =>
      Array.from({ length: 2_000 }, (_, each) => worker.live.wants(fixedId(each), 'default', task, leastShare)).filter(
        Boolean,
      ).length
    setScoring({ liveShare: 0.1, judge: undefined, minimum: new Map() })
    expect(wanted('math')).toBeGreaterThan(150)
    expect(wanted('math')).toBeLessThan(250)
    setScoring({ liveShare: 0.000_001, judge: undefined, minimum: new Map() })
    expect(wanted('rare')).toBe(1)
    setScoring({ liveShare: 0, judge: aJudgePolicy({ liveShare: 0 }), minimum: new Map() })
    expect(wanted('other')).toBe(0)
    // As by a rollout that compares them.
    expect(wanted('compared', 0.25)).toBeGreaterThan(400)
    setScoring(undefined)
    expect(wanted('math')).toBe(0)
  })

  test('that no prompt can be read of are scored, not judged', async () => {
    const { worker, scores } = aScoreWorker(url())
    worker.live.offer(aLiveAnswer({ requestBody: Buffer.from('not json') }))
    await worker.idle()
    expect(scores.map(({ evaluator }) => evaluator)).toContain('answered')
    expect(scores.map(({ evaluator }) => evaluator)).not.toContain('judge')
  })
})

test('what was handed over before the end is compared', async () => {
  const { worker, compare } = aScoreWorker(url(), { pairShare: 0 })
  const outcomes = Array.from({ length: 50 }, () => compare(anAnsweredPair({ requestBody: chatRequest('Hi') })))
  await worker.close()
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['compared']))
  expect(await compare(anAnsweredPair())).toBe('queue_full')
})
