import { describe, expect, it } from 'vitest'
import { estimate } from '../../src/domain/rollout/estimate.ts'
import { POOLED } from '../../src/domain/rollout/evidence.ts'
import { explain, timeText } from '../../src/domain/rollout/explain.ts'
import { NO_CALLS, noteCall, tripOf } from '../../src/domain/rollout/local-breaker.ts'
import { pairsNeeded } from '../../src/domain/rollout/pairs-needed.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import type { RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { aRollout, aStateAt, DAY_MS, evidenceOf, goodReadings, HOUR_MS, STARTED_AT } from '../fakes/a-rollout.ts'

describe('explain', () => {
  const live = aRollout({
    plan: { ...PACES.normal, steps: PACES.normal.steps.map((step) => ({ ...step, dwellMs: 0 })) },
  })
  const state = aStateAt(live, { kind: 'ramping', percent: 50 })
  const now = STARTED_AT + 2 * HOUR_MS

  it('says how many of about how many pairs there are, and when it will be ready at this rate', () => {
    // Variance .12 about a mean of 0, as of live answers.
    const pairs = [
      [-0.5, 99],
      [0, 214],
      [0.5, 99],
    ] as const
    const readings = goodReadings(state, now, { quality: [{ task: POOLED, pairs }] })
    const { headline, lines, readyInMs } = explain(live, state, evidenceOf(readings), now)
    expect(headline).toBe('haiku: ramping at 50%; hold (inconclusive)')
    expect(lines).toContain('quality (all): 412 of about 1,035 pairs; at this rate ready in 3 h')
    expect(lines).toContain('success (all): shown to be within 0.01 after 4,000 pairs')
    expect(readyInMs).toBeGreaterThan(2.9 * HOUR_MS)
    expect(readyInMs).toBeLessThan(3.1 * HOUR_MS)
  })

  it('says of a success what is to be written into the file', () => {
    const succeeded = { ...state, phase: { kind: 'succeeded' } as const }
    const { headline, lines } = explain(live, succeeded, evidenceOf(undefined), now)
    expect(headline).toBe('haiku: succeeded; no decision (not_live)')
    expect(lines[0]).toBe('it has succeeded')
    expect(lines).toContain(
      'write anthropic/claude-small for openai/gpt-big in routes.chat and take rollouts.haiku out of the file',
    )
  })

  it('names the command that a draft, or a rollout that has ended without success, waits for', () => {
    const linesOf = (phase: RolloutState['phase']): readonly string[] =>
      explain(live, { ...state, phase }, evidenceOf(undefined), now).lines
    expect(linesOf({ kind: 'draft' })).toContain('to begin: npx understudy rollout start haiku')
    const retry = 'to try it again: npx understudy rollout retry haiku'
    expect(linesOf({ kind: 'aborted' })).toEqual(['it is aborted', retry])
    expect(linesOf({ kind: 'rolled_back', cause: 'slow', cooldownUntil: Date.UTC(2026, 10, 21) })).toContain(
      'to try it again, from 2026-11-21T00:00:00.000Z on: npx understudy rollout retry haiku',
    )
  })

  it('says a stay of seconds in seconds, as where times are divided', () => {
    const quick = aRollout({
      plan: { ...PACES.normal, steps: PACES.normal.steps.map((step) => ({ ...step, dwellMs: 24_000 })) },
    })
    const soon = STARTED_AT + 6_000
    const { lines } = explain(quick, state, evidenceOf(goodReadings(state, soon)), soon)
    expect(lines[0]).toBe('6 s of at least 24 s at 50%')
  })

  it('does not promise what will not come', () => {
    const pairs = [
      [-0.25, 160],
      [0, 240],
    ] as const
    const readings = goodReadings(state, now, { quality: [{ task: POOLED, pairs }] })
    const { lines, readyInMs } = explain(live, state, evidenceOf(readings), now)
    expect(lines).toContain('quality (all): worse by 0.100; it will not be shown to be within 0.03')
    expect(readyInMs).toBeUndefined()
  })

  it('asks for more pairs where the chance of being wrong is to be smaller', () => {
    const strict = aRollout({ ...live, alphaPromote: 0.01 })
    const pairs = [
      [-0.5, 99],
      [0, 214],
      [0.5, 99],
    ] as const
    const readings = goodReadings(state, now, { quality: [{ task: POOLED, pairs }] })
    const { lines } = explain(strict, state, evidenceOf(readings), now)
    expect(lines).toContainEqual(expect.stringMatching(/^quality \(all\): 412 of about 1,4\d\d pairs/))
    expect(pairsNeeded(0, 0.03, 0, 0.01)).toBeGreaterThan(pairsNeeded(0, 0.03) ?? 0)
  })

  it('takes a mean at the margin, but for rounding, for one at the margin', () => {
    expect(pairsNeeded(0.12, 0.03, -0.03 + 1e-17)).toBeUndefined()
    expect(pairsNeeded(0.12, 0.000001), 'the least margin').toBeGreaterThan(1e6)
    const pairs = [
      [-0.031, 2_000_001],
      [-0.029, 2_000_001],
    ] as const
    const readings = goodReadings(state, now, { quality: [{ task: POOLED, pairs }] })
    expect(explain(live, state, evidenceOf(readings), now).lines).toContain(
      'quality (all): worse by 0.030; it will not be shown to be within 0.03',
    )
  })

  it('counts the pairs that a bake must have, of which nothing else tells', () => {
    const baking = aStateAt(aRollout(), { kind: 'baking' })
    const at = (count: number) =>
      explain(
        aRollout(),
        baking,
        evidenceOf(goodReadings(baking, now, { quality: [{ task: POOLED, pairs: [[0, count]] }] })),
        now,
      )
    expect(at(4).lines).toContain('quality (all): 4 of at least 100 pairs; at this rate ready in 2.0 days')
    expect(at(4).readyInMs).toBe(2 * DAY_MS)
    expect(at(0).readyInMs).toBeUndefined()
    expect(at(100).readyInMs).toBe(22 * HOUR_MS)
  })

  it('names no time for what waits for a person, for data or for a fault to be mended, but what can be done', () => {
    const good = evidenceOf(goodReadings(state, now))
    const paused = { ...state, phase: { kind: 'paused', at: { kind: 'ramping', percent: 50 } } } as const
    const frozen = explain(live, paused, good, now)
    expect(frozen.lines[1]).toBe(
      'to let it go on: npx understudy rollout resume haiku; to take the candidate away: npx understudy rollout rollback haiku',
    )
    const steps = live.plan.steps.map((step) => ({ ...step, needsApproval: true }))
    const asking = explain(aRollout({ plan: { ...live.plan, steps } }), state, good, now)
    expect(asking.lines[1]).toBe('to let it go on: npx understudy rollout approve haiku')
    const untrusted = explain({ ...live, isJudgeTrustWaived: false }, state, good, now)
    const unread = explain(aRollout(), state, evidenceOf(undefined), now)
    const times = [frozen, asking, untrusted, unread].map(({ readyInMs }) => readyInMs)
    expect(times).toEqual([undefined, undefined, undefined, undefined])
  })

  it('waits for the stage to have lasted long enough', () => {
    const slow = aRollout()
    const at50 = aStateAt(slow, { kind: 'ramping', percent: 50 })
    const { readyInMs, lines } = explain(slow, at50, evidenceOf(goodReadings(at50, now)), now)
    expect(lines[0]).toBe('2.0 h of at least 24.0 h at 50%')
    expect(readyInMs).toBe(22 * HOUR_MS)
  })

  it('tells times as people do', () => {
    expect([25 * 60_000, 3 * HOUR_MS, 2.5 * DAY_MS].map(timeText)).toEqual(['25 min', '3 h', '2.5 days'])
  })
})

describe('pairsNeeded', () => {
  it('gives the published numbers, and never fewer than ties would take', () => {
    expect(pairsNeeded(0.03, 0.03)).toBeCloseTo(258, -1)
    expect(pairsNeeded(0.12, 0.03)).toBeCloseTo(1031, -1)
    expect(pairsNeeded(0, 0.03)).toBe(213)
    expect(pairsNeeded(0.12, 0.03, -0.03)).toBeUndefined()
  })
})

describe('estimate', () => {
  const traffic = { requestsPerDay: 5000, unitsPerDay: 1000, scoredShare: 0.25, shadowShare: 0.1, badShare: 0.01 }

  it('tells how long each pace takes, and what takes the longest', () => {
    const [normal, careful, small] = estimate(traffic, 1)
    expect(normal?.stages.map(({ stage }) => stage)).toEqual(['shadow', '5%', '25%', '50%', 'baking'])
    expect(careful?.stages.find(({ stage }) => stage === '5%')).toMatchObject({ days: 7, boundBy: 'time' })
    expect(small?.days).toBeLessThan(14)
    expect(small?.days).toBeLessThan(normal?.days ?? 0)
    expect(normal?.days).toBeLessThan(careful?.days ?? 0)
  })

  it('does not take many requests of few units for many witnesses', () => {
    const [chatty] = estimate(traffic, 1)
    const [single] = estimate({ ...traffic, unitsPerDay: undefined }, 1)
    expect(chatty?.days).toBeGreaterThan(single?.days ?? Number.POSITIVE_INFINITY)
  })

  it('knows that a faster decider waits less, and that evidence takes its time all the same', () => {
    const busy = { ...traffic, requestsPerDay: 5e8, unitsPerDay: undefined }
    const [usual] = estimate(busy, 1)
    const [fast] = estimate(busy, 100)
    expect(usual?.stages.every(({ boundBy }) => boundBy === 'time')).toBe(true)
    expect(fast?.days).toBeCloseTo((usual?.days ?? 0) / 100, 9)
    const [, hurried] = estimate(traffic, 1e6)
    expect(hurried?.days).toBeLessThan(estimate(traffic, 1)[1]?.days ?? 0)
    expect(hurried?.stages.every(({ boundBy, days }) => boundBy !== 'time' && days > 0.01)).toBe(true)
  })

  it('never ends where nothing is scored, or nobody comes', () => {
    const [deserted] = estimate({ ...traffic, requestsPerDay: 0 }, 1)
    expect(deserted?.stages.map(({ days, pairsPerDay }) => [days, pairsPerDay])).toEqual(
      deserted?.stages.map(() => [Infinity, 0]),
    )
    expect(estimate({ ...traffic, scoredShare: 0 }, 1).map(({ days }) => days)).toEqual([Infinity, Infinity, Infinity])
  })
})

describe('the local breaker', () => {
  const after = (calls: string) => calls.split('').reduce((window, call) => noteCall(window, call === 'x'), NO_CALLS)

  it('trips after five failures in a row', () => {
    expect(tripOf(after('..xxxx'))).toBeUndefined()
    expect(tripOf(after('..xxxxx'))).toBe('5 failures in a row')
    expect(tripOf(after('xxxx.xxxx'))).toBeUndefined()
  })

  it('trips when half of the last twenty failed, and not before there were twenty', () => {
    expect(tripOf(after('x.'.repeat(9)))).toBeUndefined()
    expect(tripOf(after('x.'.repeat(10)))).toBe('10 of the last 20 calls failed')
    expect(tripOf(after(`${'x.'.repeat(10)}..`))).toBeUndefined()
  })
})
