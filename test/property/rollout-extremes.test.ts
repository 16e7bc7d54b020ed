import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import { armOf, armShares } from '../../src/domain/assign.ts'
import { advance } from '../../src/domain/rollout/advance.ts'
import type { Evidence, Readings } from '../../src/domain/rollout/evidence.ts'
import { explain } from '../../src/domain/rollout/explain.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import { HOLD_REASONS, type LivePhase, sharesOf } from '../../src/domain/rollout/phase.ts'
import { BAD_EVENTS, type Rollout } from '../../src/domain/rollout/rollout.ts'
import type { Change } from '../../src/domain/rollout/rollout-event.ts'
import { applyEvent, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { entryOfRolloutEvent } from '../../src/domain/rollout/stored-event.ts'
import { missingByArm } from '../../src/domain/statistics/missingness.ts'
import { badEventEvidence } from '../../src/domain/statistics/rate-ratio.ts'
import { sampleRatioEvidence } from '../../src/domain/statistics/sample-ratio.ts'
import { aRollout, aStateAt, DAY_MS, evidenceOf, goodReadings, STARTED_AT } from '../fakes/a-rollout.ts'
import { aRolloutLog, aTickingWorld } from '../fakes/a-rollout-log.ts'

const MANY = 10_000_000
const count = fc.oneof(fc.constantFrom(0, 1, MANY), fc.nat(MANY))
const share = fc.oneof(fc.constantFrom(0.0001, 0.05, 0.5, 0.95), fc.double({ min: 0.0001, max: 0.9999, noNaN: true }))
const coverage = fc.tuple(count, count).map(([one, other]) => ({
  expected: Math.max(one, other),
  scored: Math.min(one, other),
}))
const window = fc.tuple(coverage, coverage).map(([candidate, control]) => ({
  candidate: candidate.expected,
  control: control.expected,
  badCandidate: candidate.scored,
  badControl: control.scored,
}))

describe('evidence of nothing, of all, and of ten million', () => {
  it('is a number, and a chance lies between 0 and 1', () => {
    fc.assert(
      fc.property(coverage, coverage, share, fc.array(window, { maxLength: 5 }), (one, other, of, windows) => {
        const p = missingByArm(one, other)
        expect(p >= 0 && p <= 1).toBe(true)
        const cells = [
          { observed: one.expected, share: of },
          { observed: other.expected, share: 1 - of },
        ]
        expect(Number.isFinite(sampleRatioEvidence(cells))).toBe(true)
        expect(Number.isFinite(badEventEvidence(windows))).toBe(true)
      }),
    )
  })
})

const percent = fc.constantFrom(0.01, 1, 5, 25, 33.3333, 50, 80, 95)
const live: fc.Arbitrary<LivePhase> = fc.oneof(
  fc.constantFrom<LivePhase[]>({ kind: 'shadow' }, { kind: 'baking' }),
  percent.map((each) => ({ kind: 'ramping', percent: each }) as const),
)
const at = fc.integer({ min: -3, max: 30 }).map((days) => STARTED_AT + days * DAY_MS)
const difference = fc.constantFrom(-1, -0.5, -0.03, 0, 0.5, 1)
const task = fc.constantFrom('all', 'coding', 'other')
const quality = fc.array(fc.record({ task, pairs: fc.array(fc.tuple(difference, count), { maxLength: 4 }) }), {
  maxLength: 3,
})
type EvidenceAt = (state: RolloutState, now: number) => Evidence

const anyEvidence: fc.Arbitrary<EvidenceAt> = fc
  .record({
    breaker: fc.option(fc.constant('5 failures in a row'), { nil: undefined, freq: 8 }),
    recent: fc.record({
      candidate: coverage.map(({ expected, scored }) => ({ calls: expected, failed: scored })),
      stable: coverage.map(({ expected, scored }) => ({ calls: expected, failed: scored })),
    }),
    asOf: at,
    quality,
    success: quality,
    badEvents: fc.array(
      fc.record({ event: fc.constantFrom(...BAD_EVENTS), task, windows: fc.array(window, { maxLength: 3 }) }),
      { maxLength: 3 },
    ),
    units: fc.option(fc.record({ candidate: count, control: count, neither: count, inBoth: fc.nat(3) }), { freq: 2 }),
    scores: fc.record({ candidate: coverage, control: coverage }),
    isRead: fc.boolean(),
  })
  .map(({ breaker, recent, isRead, units, scores, ...read }) => (state): Evidence => {
    const quiet = { since: state.dealtAt, candidate: 0, control: 0, neither: 0, inBoth: 0 }
    const readings: Readings = {
      ...read,
      epoch: state.epoch,
      since: state.enteredAt,
      units: { ...quiet, ...units },
      scores: units === null ? scores : { candidate: { expected: 0, scored: 0 }, control: { expected: 0, scored: 0 } },
      judge: {
        isTrusted: true,
        asked: { candidate: 0, control: 0 },
        failed: { candidate: 0, control: 0 },
        sameWithSame: [],
      },
      signals: [],
    }
    return { breaker, recent, readings: isRead ? readings : undefined }
  })
const evidence: fc.Arbitrary<EvidenceAt> = fc.oneof(
  anyEvidence,
  fc.constant((state: RolloutState, now: number) => evidenceOf(goodReadings(state, now))),
)
const rollout: fc.Arbitrary<Rollout> = fc
  .record({
    percents: fc.uniqueArray(percent, { minLength: 1, maxLength: 4 }),
    hasShadow: fc.boolean(),
    tasksApart: fc.subarray(['coding', 'other']),
    harmWhilePaused: fc.constantFrom('rollback' as const, 'hold' as const),
  })
  .map(({ percents, hasShadow, tasksApart, harmWhilePaused }) => {
    const [step] = PACES.normal.steps
    if (step === undefined) throw new Error('a pace has steps')
    const rising = percents.toSorted((one, other) => one - other)
    const steps = rising.map((each) => ({ ...step, percent: each }))
    const plan = { ...PACES.normal, steps, shadow: hasShadow ? PACES.normal.shadow : undefined }
    return aRollout({ plan, tasksApart, harmWhilePaused })
  })

describe('a look at a rollout', () => {
  it('throws at no evidence, stage, plan or clock, and never takes a candidate from some, nor shows it to more than all', () => {
    const actions = new Set<string>()
    const looks = fc.array(fc.tuple(evidence, at, rollout), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(live, fc.boolean(), looks, (begins, isPaused, each) => {
        let state = aStateAt(aRollout(), begins)
        const by = { rollout: state.name, revision: state.revision + 1, at: STARTED_AT, actor: 'ada', reason: '' }
        if (isPaused) state = applyEvent(state, { ...by, change: { kind: 'paused' } })
        for (const [seen, now, of] of each) {
          const found = seen(state, now)
          const { next, action, event } = advance(of, state, found, now)
          actions.add(action)
          expect(explain(of, state, found, now).headline).toContain(action === 'none' ? 'no' : action)
          const [before, after] = [sharesOf(state.phase), sharesOf(next.phase)]
          expect(after.candidate + after.control).toBeLessThanOrEqual(1)
          const least = action === 'rollback' ? 0 : before.candidate
          expect(after.candidate).toBeGreaterThanOrEqual(least)
          expect(after.candidate === 0 || action !== 'rollback').toBe(true)
          expect(event === undefined).toBe(next === state)
          state = next
        }
      }),
      { numRuns: 400 },
    )
    expect(actions).toEqual(new Set(['none', 'hold', 'step', 'promote', 'rollback']))
  })

  it('a unit with the candidate keeps it at every higher share, the bake included, and is never in both arms', () => {
    fc.assert(
      fc.property(share, percent, percent, (unit, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        const arms = [armShares(low, false), armShares(high, false), armShares(100, true), armShares(100, false)]
        const dealt = arms.map((each) => armOf(unit, each))
        const from = dealt.indexOf('candidate')
        expect(dealt.slice(from === -1 ? dealt.length : from).every((arm) => arm === 'candidate')).toBe(true)
      }),
    )
  })
})

const change: fc.Arbitrary<Change | 'of_a_later_version'> = fc.oneof(
  fc.constantFrom<Change[]>(
    { kind: 'paused' },
    { kind: 'resumed' },
    { kind: 'released' },
    { kind: 'approved' },
    { kind: 'aborted' },
    { kind: 'succeeded' },
    { kind: 'created', identity: 'twice', steps: [1] },
    { kind: 'superseded', by: 'another' },
    { kind: 'rolled_back', cause: 'error', cooldownUntil: STARTED_AT },
    { kind: 'edited', identity: 'identity-2', steps: [10, 50], first: { kind: 'shadow' } },
    { kind: 'edited', identity: 'identity-1', steps: [7, 30, 60], first: { kind: 'shadow' } },
  ),
  fc.constantFrom(...HOLD_REASONS).map((reason) => ({ kind: 'held', reason }) as const),
  fc.tuple(fc.constantFrom('started', 'stepped', 'retried'), live).map(([kind, into]) => ({ kind, into }) as const),
  fc.constant('of_a_later_version' as const),
)

describe('the journal of a rollout', () => {
  it('says the same in any order, twice over, read at once or bit by bit, with kinds that only a later version knows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 15 }),
        fc.infiniteStream(fc.nat()),
        fc.nat(15),
        async (changes, order, first) => {
          const entries = entriesOf(changes)
          const twice = [...entries, ...entries]
            .map((entry) => ({ entry, at: order.next().value ?? 0 }))
            .toSorted((one, other) => one.at - other.at)
            .map(({ entry }) => entry)
          const [atOnce, bitByBit] = [
            await stateAfter([twice]),
            await stateAfter([entries.slice(0, 1 + first), entries]),
          ]
          expect(atOnce).toEqual(bitByBit)
          expect(atOnce?.revision).toBe(entries.length)
        },
      ),
      { numRuns: 60 },
    )
  })
})

function entriesOf(changes: readonly (Change | 'of_a_later_version')[]): readonly JournalEntry[] {
  const created: Change = { kind: 'created', identity: 'identity-1', steps: [5, 25, 50] }
  return [created, ...changes].map((each, index) => {
    const isKnown = each !== 'of_a_later_version'
    const told = isKnown ? each : ({ kind: 'paused' } as const)
    const by = { actor: 'ada', reason: '', at: STARTED_AT + index }
    const story = { id: `event-${index}`, instance: 'one', policyVersion: 'v1', before: '', after: '' }
    const entry = entryOfRolloutEvent({ rollout: 'haiku', revision: index + 1, ...by, change: told }, story)
    return isKnown ? entry : { ...entry, kind: 'frozen', details: JSON.stringify({ change: { kind: 'frozen' } }) }
  })
}

async function stateAfter(takes: readonly (readonly JournalEntry[])[]): Promise<RolloutState | undefined> {
  const log = await aRolloutLog([], aTickingWorld())
  try {
    for (const rows of takes) log.follower.take(rows)
    return log.state('haiku')
  } finally {
    await log.discard()
  }
}
