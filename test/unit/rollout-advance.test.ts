import { describe, expect, it } from 'vitest'
import { advance } from '../../src/domain/rollout/advance.ts'
import { POOLED, type Readings } from '../../src/domain/rollout/evidence.ts'
import { PACES } from '../../src/domain/rollout/pace.ts'
import type { LivePhase } from '../../src/domain/rollout/phase.ts'
import { applyEvent } from '../../src/domain/rollout/rollout-state.ts'
import { aRollout, aStateAt, DAY_MS, evidenceOf, goodReadings, HOUR_MS, STARTED_AT } from '../fakes/a-rollout.ts'

const AT_5: LivePhase = { kind: 'ramping', percent: 5 }
const AT_50: LivePhase = { kind: 'ramping', percent: 50 }
const rollout = aRollout()
const state = aStateAt(rollout, AT_5)
const LATER = STARTED_AT + HOUR_MS

const tick = (changes: Partial<Readings> = {}, now = LATER, of = rollout, at = state) =>
  advance(of, at, evidenceOf(goodReadings(at, now, changes)), now)

const worse = [
  {
    task: POOLED,
    pairs: [
      [-0.5, 200],
      [0, 200],
    ] as const,
  },
]

describe('advance', () => {
  it('steps up when every guardrail is within its margin, and says so in one event', () => {
    const { action, rule, event, next } = tick()
    expect({ action, rule }).toEqual({ action: 'step', rule: 'non_inferior' })
    expect(event).toMatchObject({
      revision: 3,
      actor: 'understudy',
      change: { into: { kind: 'ramping', percent: 25 } },
    })
    expect(next.phase).toEqual({ kind: 'ramping', percent: 25 })
  })

  it('neither promotes nor rolls back without data', () => {
    const late = STARTED_AT + 3 * DAY_MS
    expect(advance(rollout, state, evidenceOf(undefined), late)).toMatchObject({ action: 'hold', rule: 'no_data' })
    const empty = { quality: [], success: [], badEvents: [] }
    expect(tick(empty, late)).toMatchObject({ action: 'hold', rule: 'pairs' })
    expect(tick({ success: [] }, late)).toMatchObject({ action: 'hold', rule: 'inconclusive' })
    const baking = aStateAt(rollout, { kind: 'baking' })
    expect(tick(empty, late, rollout, baking)).toMatchObject({ action: 'hold', rule: 'pairs' })
  })

  it('takes no notice of evidence about another stage or epoch', () => {
    expect(tick({ quality: worse, epoch: 2 })).toMatchObject({ action: 'hold', rule: 'stale_data', checks: [] })
    expect(tick({ quality: worse, since: STARTED_AT - 1 })).toMatchObject({ action: 'hold', rule: 'stale_data' })
    const units = { since: STARTED_AT - 1, candidate: 1, control: 1, neither: 18, inBoth: 0 }
    expect(tick({ units }), 'another share').toMatchObject({ action: 'hold', rule: 'stale_data' })
    expect(tick({ units, quality: worse }), 'harm is harm at any share').toMatchObject({ action: 'rollback' })
  })

  it('rolls back on harm before it asks anything of the sample', () => {
    const few = { quality: [{ task: POOLED, pairs: [[-1, 20]] as const }], asOf: STARTED_AT - DAY_MS }
    const { action, rule, next, because, isAlert } = tick(few, STARTED_AT + 1)
    expect({ action, rule, isAlert }).toEqual({ action: 'rollback', rule: 'harm', isAlert: true })
    expect(next.phase).toMatchObject({ kind: 'rolled_back', cause: 'quality', cooldownUntil: STARTED_AT + 1 + DAY_MS })
    expect(because).toEqual([expect.stringContaining('quality (all): worse by 1.000')])
  })

  it('measures harm by what may reach everybody, also at a step with a wider margin', () => {
    // Surely four points worse: within the first step's ten, but not within half of the last step's three.
    const quality = [
      {
        task: POOLED,
        pairs: [
          [-0.25, 600],
          [0, 3000],
        ] as const,
      },
    ]
    expect(tick({ quality })).toMatchObject({ action: 'rollback', rule: 'harm' })
  })

  it('rolls back on bad events', () => {
    const windows = [{ candidate: 150, control: 150, badCandidate: 15, badControl: 1 }]
    expect(tick({ badEvents: [{ event: 'error', task: POOLED, windows }] })).toMatchObject({ action: 'rollback' })
    const refusals = { badEvents: [{ event: 'refusal' as const, task: POOLED, windows }] }
    expect(tick(refusals), 'a bad event that is no guardrail').toMatchObject({ action: 'step' })
  })

  it('rolls back when the breaker trips, also without ClickHouse', () => {
    const tripped = evidenceOf(undefined, { breaker: '5 failures in a row' })
    expect(advance(rollout, state, tripped, LATER)).toMatchObject({
      action: 'rollback',
      rule: 'breaker',
      because: ['breaker: 5 failures in a row'],
    })
  })

  it('holds and alerts instead of rolling back to a stable that is failing too', () => {
    const failing = { candidate: { calls: 40, failed: 20 }, stable: { calls: 40, failed: 16 } }
    const evidence = evidenceOf(undefined, { breaker: 'half of the last 20', recent: failing })
    const held = advance(rollout, state, evidence, LATER)
    expect(held).toMatchObject({ action: 'hold', rule: 'stable_failing', isAlert: true })
    const better = { ...failing, stable: { calls: 40, failed: 8 } }
    const rolledBack = advance(rollout, held.next, { ...evidence, recent: better }, LATER + 1)
    expect(rolledBack, 'stable fails less than half as often').toMatchObject({ action: 'rollback' })
  })

  it.each<[string, Partial<Readings>]>([
    ['sample_ratio', { units: { since: STARTED_AT, candidate: 900, control: 500, neither: 9000, inBoth: 0 } }],
    ['both_arms', { units: { since: STARTED_AT, candidate: 500, control: 500, neither: 9000, inBoth: 10 } }],
    ['coverage', { scores: { candidate: { expected: 100, scored: 85 }, control: { expected: 100, scored: 90 } } }],
    [
      'missing_by_arm',
      { scores: { candidate: { expected: 900, scored: 830 }, control: { expected: 900, scored: 890 } } },
    ],
    [
      'missing_by_arm',
      { applied: { candidate: { expected: 200, scored: 60 }, control: { expected: 200, scored: 100 } } },
    ],
    ['judge_failing', { judge: judge({ failed: { candidate: 60, control: 60 } }) }],
    ['judge_failing', { judge: judge({ failed: { candidate: 40, control: 5 } }) }],
    [
      'judge_biased',
      {
        judge: judge({
          sameWithSame: [
            [0.5, 100],
            [0, 100],
          ],
        }),
      },
    ],
    ['signal', { signals: [{ name: 'cost', isFailing: true, detail: '1.4 × stable' }] }],
    ['stale_data', { asOf: LATER - HOUR_MS }],
  ])('holds on %s, and tells', (rule, changes) => {
    const held = tick(changes)
    expect(held).toMatchObject({ action: 'hold', rule, isAlert: true })
    expect(held.next.phase).toEqual({ kind: 'holding', at: AT_5, reason: rule })
    const again = tick(changes, LATER, rollout, held.next)
    expect(again.event, 'a hold for the same reason is no news').toBeUndefined()
    expect(tick({}, LATER, rollout, held.next), 'goes on by itself').toMatchObject({ action: 'step' })
  })

  it('bears the few units that are dealt by the old shares just after a step, and no more', () => {
    const at50 = aStateAt(rollout, AT_50)
    const units = { since: STARTED_AT, candidate: 1000, control: 1000, neither: 3, inBoth: 0 }
    const late = STARTED_AT + DAY_MS
    expect(tick({ units }, late, rollout, at50)).toMatchObject({ action: 'promote' })
    const many = { ...units, candidate: 100_000, control: 100_000, neither: 0 }
    expect(tick({ units: many }, late, rollout, at50), 'none at all is right, too').toMatchObject({ action: 'promote' })
    expect(tick({ units: { ...units, neither: 60 } }, late, rollout, at50)).toMatchObject({ rule: 'sample_ratio' })
    const shadow = aStateAt(rollout, { kind: 'shadow' })
    const exposed = { ...units, candidate: 60, control: 0, neither: 1000 }
    expect(tick({ units: exposed }, late, rollout, shadow), 'a shadow answers nobody').toMatchObject({
      rule: 'sample_ratio',
    })
  })

  it('holds units in both arms against all that are compared, not against the few that are new', () => {
    const units = { since: STARTED_AT, candidate: 20, control: 20, neither: 360, compared: 5000, inBoth: 1 }
    expect(tick({ units })).toMatchObject({ action: 'step' })
    expect(tick({ units: { ...units, compared: 100 } })).toMatchObject({ rule: 'both_arms' })
  })

  it('shares the chance of a wrong rollback among guardrails and tasks', () => {
    const apart = aRollout({ tasksApart: ['coding', 'math'] })
    const thresholds = (of: typeof rollout) => tick({}, LATER, of).checks.map(({ harm }) => harm?.threshold)
    expect(thresholds(rollout)).toContain(Math.log(4 / 0.05))
    expect(thresholds(apart)).toContain(Math.log(12 / 0.05))
  })

  it('lets an untrusted judge neither promote nor roll back', () => {
    const strict = aRollout({ isJudgeTrustWaived: false })
    expect(tick({ quality: worse }, LATER, strict)).toMatchObject({ action: 'hold', rule: 'judge_untrusted' })
    const silent = {
      quality: [],
      judge: judge({ asked: { candidate: 0, control: 0 }, failed: { candidate: 0, control: 0 } }),
    }
    expect(tick(silent, LATER, strict), 'who has said nothing yet alarms nobody').toMatchObject({
      rule: 'pairs',
      isAlert: false,
    })
    expect(tick({ ...silent, quality: worse }, LATER, strict)).toMatchObject({ rule: 'judge_untrusted' })
    const trusted = judge({ isTrusted: true })
    expect(tick({ quality: worse, judge: trusted }, LATER, strict)).toMatchObject({ action: 'rollback' })
  })

  it('holds in the shadow while the verdict would be another one at equal length', () => {
    const shadow = aStateAt(rollout, { kind: 'shadow' })
    const length = { pairs: 300, meanD: 0, adjustedMeanD: -0.1, slope: 0.5, slopeError: 0.01, isLengthMoved: true }
    const at = (adjustedMeanD: number) =>
      tick({ judge: judge({ length: { ...length, adjustedMeanD } }) }, LATER, rollout, shadow)
    expect(at(-0.1)).toMatchObject({ action: 'hold', rule: 'judge_biased' })
    expect(at(-0.1).because.join()).toMatch(/0\.000, and -0\.100 for answers of equal length/)
    expect(at(-0.02), 'within the margin either way').toMatchObject({ action: 'step' })
  })

  it('stays as long as the stage asks, and does not count the time it was paused', () => {
    const at50 = aStateAt(rollout, AT_50)
    expect(tick({}, STARTED_AT + DAY_MS - 1, rollout, at50)).toMatchObject({ rule: 'dwell', event: undefined })
    expect(tick({}, STARTED_AT + DAY_MS, rollout, at50)).toMatchObject({ action: 'promote' })
    const base = { rollout: 'haiku', actor: 'ada', reason: '' }
    const paused = applyEvent(at50, { ...base, revision: 3, at: STARTED_AT + HOUR_MS, change: { kind: 'paused' } })
    const frozen = tick({}, STARTED_AT + 9 * DAY_MS, rollout, paused)
    expect(frozen).toMatchObject({ action: 'hold', rule: 'paused', event: undefined, isAlert: false })
    const resumed = applyEvent(paused, {
      ...base,
      revision: 4,
      at: STARTED_AT + 3 * HOUR_MS,
      change: { kind: 'resumed' },
    })
    expect(tick({}, STARTED_AT + DAY_MS + HOUR_MS, rollout, resumed)).toMatchObject({ rule: 'dwell' })
    expect(tick({}, STARTED_AT + DAY_MS + 2 * HOUR_MS, rollout, resumed)).toMatchObject({ action: 'promote' })
  })

  it('waits for approval where the plan asks for it', () => {
    const [first, ...rest] = PACES.normal.steps
    const steps = first === undefined ? [] : [{ ...first, needsApproval: true }, ...rest]
    const asking = aRollout({ plan: { ...PACES.normal, steps } })
    const held = tick({}, LATER, asking)
    expect(held).toMatchObject({ action: 'hold', rule: 'approval' })
    const approved = applyEvent(held.next, {
      rollout: 'haiku',
      revision: held.next.revision + 1,
      at: LATER,
      actor: 'ada',
      reason: '',
      change: { kind: 'approved' },
    })
    expect(tick({}, LATER, asking, approved)).toMatchObject({ action: 'step' })
  })

  it('holds and alerts past the longest stay, and never ships by the passing of time', () => {
    const open = [
      {
        task: POOLED,
        pairs: [
          [-0.5, 50],
          [0.5, 49],
          [0, 30],
        ] as const,
      },
    ]
    const late = STARTED_AT + 30 * DAY_MS
    expect(tick({ quality: open }, LATER)).toMatchObject({ rule: 'inconclusive', isAlert: false })
    expect(tick({ quality: open }, late)).toMatchObject({ action: 'hold', rule: 'timeout', isAlert: true })
    expect(tick({ quality: [] }, late)).toMatchObject({ action: 'hold', rule: 'timeout' })
  })

  it('asks every task that is shown apart for evidence of its own', () => {
    const apart = aRollout({ tasksApart: ['coding', 'math'] })
    const coding = { task: 'coding', pairs: [[0, 4000]] as const }
    expect(tick({ quality: [coding] }, LATER, apart)).toMatchObject({
      rule: 'pairs',
      because: [expect.stringContaining('0 (math)')],
    })
    const both = [coding, { ...coding, task: 'math' }]
    expect(tick({ quality: both, success: both }, LATER, apart)).toMatchObject({ action: 'step' })
  })

  it('holds coding to its stricter margin at the last step', () => {
    const apart = aRollout({ tasksApart: ['coding'] })
    const at50 = aStateAt(apart, AT_50)
    const ties = (count: number) => [{ task: 'coding', pairs: [[0, count]] as const }]
    const success = ties(4000)
    // 213 ties show 0.03, 318 show 0.02.
    const now = STARTED_AT + DAY_MS
    expect(tick({ quality: ties(300), success }, now, apart, at50)).toMatchObject({ rule: 'inconclusive' })
    expect(tick({ quality: ties(330), success }, now, apart, at50)).toMatchObject({ action: 'promote' })
  })

  it('bakes at 100 % without asking for more proof, and ends there', () => {
    const baking = aStateAt(rollout, { kind: 'baking' })
    const quality = [
      {
        task: POOLED,
        pairs: [
          [-0.5, 50],
          [0.5, 51],
        ] as const,
      },
    ]
    const done = tick({ quality }, STARTED_AT + DAY_MS, rollout, baking)
    expect(done).toMatchObject({ action: 'promote', rule: 'baked', next: { phase: { kind: 'succeeded' } } })
    expect(tick({ quality }, STARTED_AT + 2 * DAY_MS, rollout, done.next)).toMatchObject({ action: 'none' })
  })

  it('does not take a slow shadow for a slow candidate', () => {
    const shadow = aStateAt(rollout, { kind: 'shadow' })
    const windows = [{ candidate: 400, control: 400, badCandidate: 390, badControl: 1 }]
    expect(tick({ badEvents: [{ event: 'slow', task: POOLED, windows }] }, LATER, rollout, shadow)).toMatchObject({
      action: 'step',
      next: { phase: AT_5 },
    })
    expect(tick({ badEvents: [{ event: 'slow', task: POOLED, windows }] })).toMatchObject({ action: 'rollback' })
  })
})

function judge(changes: Partial<Readings['judge']>): Readings['judge'] {
  return { ...goodReadings(state, LATER).judge, asked: { candidate: 400, control: 400 }, ...changes }
}
