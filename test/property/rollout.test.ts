import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advance } from '../../src/domain/rollout/advance.ts'
import { command, create, reconcile, type Verb } from '../../src/domain/rollout/command.ts'
import { type Evidence, POOLED, type Readings } from '../../src/domain/rollout/evidence.ts'
import { livePhaseOf, type Phase, sharesOf } from '../../src/domain/rollout/phase.ts'
import { gateOf, nextStage, type Rollout } from '../../src/domain/rollout/rollout.ts'
import { AUTOMATIC, type RolloutEvent } from '../../src/domain/rollout/rollout-event.ts'
import { applyEvent, fold, type RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import { aRollout, DAY_MS, evidenceOf, goodReadings, HOUR_MS, STARTED_AT } from '../fakes/a-rollout.ts'

/** What has been done to one rollout so far. */
type Story = {
  rollout: Rollout
  now: number
  events: RolloutEvent[]
  state: RolloutState
}

type Act =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'verb'; readonly verb: Verb }
  | { readonly kind: 'tick'; readonly seen: Seen }
  | { readonly kind: 'percentages'; readonly percents: readonly number[] }
  | { readonly kind: 'identity'; readonly identity: string }

type Seen = 'good' | 'nothing' | 'empty' | 'harm' | 'undecided' | 'other_epoch' | 'other_stage' | 'unsound' | 'breaker'

const verb = fc.oneof(
  fc
    .constantFrom('start', 'pause', 'resume', 'rollback', 'abort', 'retry', 'approve')
    .map((kind) => ({ kind }) as const),
  fc.constantFrom('step', 'full').map((to) => ({ kind: 'promote', to }) as const),
  fc.constant({ kind: 'supersede', by: 'another' } as const),
)
const seen = fc.oneof(
  { weight: 4, arbitrary: fc.constant('good' as const) },
  fc.constantFrom<Seen[]>('nothing', 'empty', 'harm', 'undecided', 'other_epoch', 'other_stage', 'unsound', 'breaker'),
)
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(60_000, HOUR_MS, DAY_MS).map((ms) => ({ kind: 'wait', ms }) as const) },
  { weight: 3, arbitrary: verb.map((asked) => ({ kind: 'verb', verb: asked }) as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'verb', verb: { kind: 'start' } } as const) },
  { weight: 5, arbitrary: seen.map((what) => ({ kind: 'tick', seen: what }) as const) },
  fc
    .constantFrom([5, 25, 50], [1, 30, 50], [10, 50], [5])
    .map((percents) => ({ kind: 'percentages', percents }) as const),
  fc.constantFrom('identity-1', 'identity-2').map((identity) => ({ kind: 'identity', identity }) as const),
)

const EVERY_PHASE: ReadonlySet<Phase['kind']> = new Set([
  'draft',
  'shadow',
  'ramping',
  'baking',
  'paused',
  'holding',
  'succeeded',
  'rolled_back',
  'aborted',
  'superseded',
])

describe('a rollout', () => {
  it('keeps its promises whatever is asked of it, in whatever order', () => {
    const reached = new Set<string>()
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60, size: 'max' }), fc.boolean(), (acts, asksApproval) => {
        const story = begin(asksApproval)
        for (const each of acts) {
          perform(story, each)
          reached.add(story.state.phase.kind)
        }
        expectTheSameFromItsEvents(story)
      }),
      { numRuns: 400 },
    )
    expect(reached, 'the acts reach every phase').toEqual(EVERY_PHASE)
  })
})

function begin(asksApproval: boolean): Story {
  const { plan } = aRollout()
  const steps = plan.steps.map((step) => ({ ...step, needsApproval: asksApproval && step.percent === 25 }))
  const rollout = aRollout({ plan: { ...plan, steps } })
  const created = create(rollout, { actor: 'ada', reason: 'new', at: STARTED_AT })
  const state = fold([created])
  if (state === undefined) throw new Error('a created rollout has a state')
  return { rollout, now: STARTED_AT, events: [created], state }
}

function perform(story: Story, each: Act): void {
  switch (each.kind) {
    case 'wait':
      story.now += each.ms
      return
    case 'verb':
      return performVerb(story, each.verb)
    case 'tick':
      return performTick(story, each.seen)
    case 'percentages': {
      const steps = story.rollout.plan.steps.slice(0, each.percents.length)
      const plan = {
        ...story.rollout.plan,
        steps: steps.map((step, index) => ({ ...step, percent: each.percents[index] ?? 50 })),
      }
      return performEdit(story, { ...story.rollout, plan })
    }
    case 'identity':
      return performEdit(story, { ...story.rollout, identity: each.identity })
  }
}

function performVerb(story: Story, asked: Verb): void {
  const { rollout, state } = story
  const answer = command(rollout, state, asked, { actor: 'ada', reason: 'because', at: story.now })
  const isLive = livePhaseOf(state.phase) !== undefined
  if (asked.kind === 'rollback' && isLive) expect(answer.kind, 'rollback is always possible while live').toBe('event')
  if (asked.kind === 'pause' && isLive && state.phase.kind !== 'paused') expect(answer.kind).toBe('event')
  if (answer.kind === 'refused') {
    expect(answer.because).toMatch(/^haiku is [^:]+: .{10,}\.$/)
    return
  }
  append(story, answer.event)
  if (asked.kind === 'rollback' || asked.kind === 'abort') expect(sharesOf(story.state.phase).candidate).toBe(0)
  if (asked.kind === 'pause') expect(sharesOf(story.state.phase)).toEqual(sharesOf(state.phase))
}

function performTick(story: Story, what: Seen): void {
  const { rollout, state, now } = story
  const evidence = evidenceOf(readingsOf(state, now, what), {
    breaker: what === 'breaker' ? 'five in a row' : undefined,
  })
  const { event, next, action } = advance(rollout, state, evidence, now)
  const stored: unknown = JSON.parse(JSON.stringify({ rollout, state, evidence }))
  expect(replay(stored, now), 'what was stored of a decision decides the same again').toEqual({ event, next, action })
  if (event === undefined) {
    expect(next).toBe(state)
    expect(['none', 'hold']).toContain(action)
    return
  }
  expect(event.actor).toBe(AUTOMATIC)
  append(story, event)
  expect(story.state).toEqual(next)
  expectOnlyWhatWasShown(rollout, state, story.state, what, now)
}

function replay(stored: unknown, now: number) {
  const { rollout, state, evidence } = stored as { rollout: Rollout; state: RolloutState; evidence: Evidence }
  const { event, next, action } = advance(rollout, state, evidence, now)
  return { event, next, action }
}

/** Automatic moves: forward by one stage on good evidence of it, back to nothing on harm, never while paused or ended. */
function expectOnlyWhatWasShown(rollout: Rollout, before: RolloutState, after: RolloutState, what: Seen, now: number) {
  const from = livePhaseOf(before.phase)
  const to = livePhaseOf(after.phase)
  expect(from).toBeDefined()
  if (from === undefined) return
  const isHarm = what === 'harm' || what === 'breaker'
  if (before.phase.kind === 'paused') {
    expect(isHarm && sharesOf(from).candidate > 0, 'nothing but harm to clients moves what is paused').toBe(true)
  }
  expect(after.phase.kind === 'rolled_back').toBe(isHarm)
  if (isHarm || (to !== undefined && same(from, to))) return
  expect(['good', 'undecided']).toContain(what)
  expect(after.phase).toEqual(nextStage(rollout.plan, from) ?? { kind: 'succeeded' })
  const gate = gateOf(rollout.plan, from)
  expect(what === 'undecided' ? from.kind : 'baking', 'only a bake ends without proof').toBe('baking')
  expect(now - before.enteredAt).toBeGreaterThanOrEqual(gate?.dwellMs ?? rollout.plan.bake.durationMs)
  expect(gate?.needsApproval !== true || before.isApproved).toBe(true)
}

function performEdit(story: Story, edited: Rollout): void {
  const before = story.state
  story.rollout = edited
  const event = reconcile(edited, before, { actor: 'file', reason: 'edited', at: story.now })
  if (event === undefined) return
  append(story, event)
  const { state } = story
  expect(reconcile(edited, state, { actor: 'file', reason: 'edited', at: story.now }), 'once').toBeUndefined()
  const isNew = edited.identity !== before.identity
  expect(state.epoch).toBe(before.epoch + (isNew ? 1 : 0))
  expect(state.phase.kind === 'paused').toBe(before.phase.kind === 'paused')
  if (isNew) expect(sharesOf(state.phase).candidate, 'nobody knows the new candidate yet').toBe(0)
  else expect([state.enteredAt, state.pausedMs]).toEqual([before.enteredAt, before.pausedMs])
}

function append(story: Story, event: RolloutEvent): void {
  expect(event.revision).toBe(story.state.revision + 1)
  story.events.push(event)
  story.state = applyEvent(story.state, event)
}

/** Whole, twice over and out of order, or resumed from any earlier state: the events give the same state. */
function expectTheSameFromItsEvents({ events, state }: Story): void {
  expect(fold(events)).toEqual(state)
  expect(fold([...events, ...events].toReversed())).toEqual(state)
  const middle = Math.floor(events.length / 2)
  const early = fold(events.slice(0, middle))
  expect(fold(events, early)).toEqual(state)
  const gap = events.filter(({ revision }) => revision !== middle + 1)
  expect(fold(gap), 'what follows a gap waits for it').toEqual(early)
}

function readingsOf(state: RolloutState, now: number, what: Seen): Readings | undefined {
  const good = goodReadings(state, now)
  const minus = [
    {
      task: POOLED,
      pairs: [
        [-0.5, 300],
        [0, 300],
      ] as const,
    },
  ]
  switch (what) {
    case 'good':
      return good
    case 'nothing':
    case 'breaker':
      return undefined
    case 'empty':
      return { ...good, quality: [], success: [], badEvents: [] }
    case 'harm':
      return { ...good, quality: minus }
    case 'undecided':
      return {
        ...good,
        quality: [
          {
            task: POOLED,
            pairs: [
              [-0.5, 100],
              [0.5, 99],
            ],
          },
        ],
      }
    case 'other_epoch':
      return { ...good, quality: minus, epoch: state.epoch + 1 }
    case 'other_stage':
      return { ...good, quality: minus, since: state.enteredAt - 1 }
    case 'unsound':
      return { ...good, scores: { ...good.scores, candidate: { expected: 4000, scored: 2000 } } }
  }
}

function same(one: Phase, other: Phase): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
