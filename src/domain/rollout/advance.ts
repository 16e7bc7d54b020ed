import type { EpochMs } from '../units.ts'
import { assess, type Check, isAbout } from './assess.ts'
import { eventOf } from './command.ts'
import type { Evidence } from './evidence.ts'
import { faultOf } from './gates.ts'
import { type Harm, harmOf, stableFails } from './harm.ts'
import { type HoldReason, type LivePhase, livePhaseOf, phaseText, sharesOf, stageName } from './phase.ts'
import { gateOf, nextStage, type Rollout } from './rollout.ts'
import { AUTOMATIC, type Change, type RolloutEvent } from './rollout-event.ts'
import { applyEvent, type RolloutState } from './rollout-state.ts'

/** The rule that decided a tick. */
export type Rule =
  | 'not_live'
  | 'paused'
  | 'breaker'
  | 'harm'
  | HoldReason
  | 'dwell'
  | 'pairs'
  | 'inconclusive'
  | 'non_inferior'
  | 'baked'

/** What one tick comes to. Stored before it takes effect. */
export type Transition = {
  readonly action: 'none' | 'hold' | 'step' | 'promote' | 'rollback'
  readonly rule: Rule
  /** In words, most important first. */
  readonly because: readonly string[]
  /** Somebody should be told. */
  readonly isAlert: boolean
  readonly checks: readonly Check[]
  /** What changes; undefined when all stays as it is. */
  readonly event: RolloutEvent | undefined
  readonly next: RolloutState
}

/**
 * One look at a rollout: what the evidence allows, at `now`. Pure, so that a stored decision can be made again from its
 * inputs. No data neither rolls back nor promotes; the passing of time promotes nothing but a bake without harm.
 */
export function advance(rollout: Rollout, state: RolloutState, evidence: Evidence, now: EpochMs): Transition {
  const live = livePhaseOf(state.phase)
  const { readings } = evidence
  const checks = readings === undefined ? [] : assess(rollout, state, readings)
  const tick: Tick = { rollout, state, now, checks }
  if (live === undefined) {
    const verb = state.phase.kind === 'succeeded' ? 'has' : 'is'
    return still(tick, 'none', 'not_live', [`it ${verb} ${phaseText(state.phase)}`])
  }

  const harm = harmOf(rollout, evidence, checks)
  const failing = harm === undefined ? undefined : stableFails(evidence.recent)
  if (state.phase.kind === 'paused') return whilePaused(tick, harm, failing)
  if (harm !== undefined) {
    if (failing !== undefined) return hold(tick, live, 'stable_failing', [failing, ...harm.because])
    return rollback(tick, harm)
  }
  if (readings === undefined) return hold(tick, live, 'no_data', ['the evidence could not be read'])
  if (!isAbout(state, readings) || readings.units.since !== state.dealtAt) {
    return hold(tick, live, 'stale_data', ['what was read is about another stage or share of this rollout'])
  }
  const fault = faultOf(rollout, live, readings, now)
  if (fault !== undefined) return hold(tick, live, fault.reason, [fault.because])
  const waiting = stillWaiting(tick, live)
  if (waiting !== undefined) return wait(tick, live, waiting.rule, [waiting.because])
  const signals = readings.signals.filter(({ isFailing }) => isFailing)
  if (signals.length > 0) {
    return hold(
      tick,
      live,
      'signal',
      signals.map(({ name, detail }) => `${name}: ${detail}`),
    )
  }
  const unproven = checks.filter((check) => !isShown(check))
  if (unproven.length > 0) return wait(tick, live, 'inconclusive', unproven.map(unprovenText))
  if (gateOf(rollout.plan, live)?.needsApproval === true && !state.isApproved) {
    return hold(tick, live, 'approval', [`the evidence is there; leaving ${stageName(live)} waits for approval`])
  }
  return goOn(tick, live)
}

type Tick = {
  readonly rollout: Rollout
  readonly state: RolloutState
  readonly now: EpochMs
  readonly checks: readonly Check[]
}

/**
 * Whoever pauses wants nothing to go on; the clients in the candidate's share still get its answers. So certain harm takes
 * it away all the same, unless the file has it hold, or nobody sees it, or stable would be no better.
 */
function whilePaused(tick: Tick, harm: Harm | undefined, failing: string | undefined): Transition {
  const { rollout, state } = tick
  const isGuarded = rollout.harmWhilePaused === 'rollback' && sharesOf(state.phase).candidate > 0
  if (harm !== undefined && isGuarded && failing === undefined) return rollback(tick, harm)
  const what = isGuarded ? 'nothing but harm moves it' : 'nothing moves'
  const because = [`paused by hand: ${what} until it is resumed`, ...(failing === undefined ? [] : [failing])]
  return { ...still(tick, 'hold', 'paused', [...because, ...(harm?.because ?? [])]), isAlert: harm !== undefined }
}

/** What the stage asks for in time and numbers, as far as it is not there yet. */
function stillWaiting(
  { rollout, state, now, checks }: Tick,
  live: LivePhase,
): { readonly rule: 'dwell' | 'pairs'; readonly because: string } | undefined {
  const { bake } = rollout.plan
  const gate = gateOf(rollout.plan, live)
  const dwellMs = gate?.dwellMs ?? bake.durationMs
  const minPairs = gate?.minPairs ?? bake.minPairs
  const stayedMs = timeInStage(state, now)
  if (stayedMs < dwellMs) {
    return {
      rule: 'dwell',
      because: `${stay(stayedMs, dwellMs)} of at least ${stay(dwellMs, dwellMs)} at ${stageName(live)}`,
    }
  }
  const quality = checks.filter(({ guardrail }) => guardrail === 'quality')
  const few = quality.filter(({ count }) => count < minPairs).map(({ task, count }) => `${count} (${task})`)
  if (quality.length > 0 && few.length === 0) return undefined
  return { rule: 'pairs', because: `${few.join(', ') || 'none'} of at least ${minPairs} pairs` }
}

/** Time since the stage was entered, without that for which it was paused. */
export function timeInStage({ enteredAt, pausedMs, pausedAt }: RolloutState, now: EpochMs): number {
  return Math.max(0, (pausedAt ?? now) - enteredAt - pausedMs)
}

function isShown({ nonInferior }: Check): boolean {
  return nonInferior === undefined || nonInferior.logE >= nonInferior.threshold
}

function goOn(tick: Tick, live: LivePhase): Transition {
  const into = nextStage(tick.rollout.plan, live)
  if (into === undefined) {
    return act(tick, 'promote', 'baked', ['the bake passed without harm'], { kind: 'succeeded' })
  }
  const action = into.kind === 'baking' ? 'promote' : 'step'
  const because = [`every guardrail is within its margin at ${stageName(live)}`]
  return act(tick, action, 'non_inferior', because, { kind: 'stepped', into })
}

function rollback(tick: Tick, { rule, cause, because }: Harm): Transition {
  const cooldownUntil = tick.now + tick.rollout.plan.cooldownMs
  const rolledBack = act(tick, 'rollback', rule, because, { kind: 'rolled_back', cause, cooldownUntil })
  return { ...rolledBack, isAlert: true }
}

/** Something is wrong, and the phase says so. */
function hold(tick: Tick, live: LivePhase, reason: HoldReason, because: readonly string[]): Transition {
  const { phase } = tick.state
  const isKnown = phase.kind === 'holding' && phase.reason === reason
  const held = isKnown
    ? still(tick, 'hold', reason, because)
    : act(tick, 'hold', reason, because, { kind: 'held', reason })
  return { ...held, isAlert: true, because: [...because, ...overdue(tick, live)] }
}

/** Nothing is wrong, it takes its time; past the longest that it may, somebody is told. */
function wait(
  tick: Tick,
  live: LivePhase,
  rule: 'dwell' | 'pairs' | 'inconclusive',
  because: readonly string[],
): Transition {
  if (overdue(tick, live).length > 0) return hold(tick, live, 'timeout', because)
  return tick.state.phase.kind === 'holding'
    ? act(tick, 'hold', rule, because, { kind: 'released' })
    : still(tick, 'hold', rule, because)
}

function overdue({ rollout, state, now }: Tick, live: LivePhase): readonly string[] {
  const mostMs = gateOf(rollout.plan, live)?.maxDurationMs ?? rollout.plan.bake.maxDurationMs
  const stayedMs = timeInStage(state, now)
  return stayedMs > mostMs ? [`${hours(stayedMs)} at ${stageName(live)}, longer than ${hours(mostMs)}`] : []
}

function still({ state, checks }: Tick, action: 'none' | 'hold', rule: Rule, because: readonly string[]): Transition {
  return { action, rule, because, isAlert: false, checks, event: undefined, next: state }
}

function act(
  { rollout, state, now, checks }: Tick,
  action: Transition['action'],
  rule: Rule,
  because: readonly string[],
  change: Change,
): Transition {
  const by = { actor: AUTOMATIC, reason: because.join('; '), at: now }
  const event = eventOf(rollout.name, state.revision + 1, by, change)
  return { action, rule, because, isAlert: false, checks, event, next: applyEvent(state, event) }
}

function unprovenText({ guardrail, task, count, nonInferior }: Check): string {
  const evidence = `ln E ${nonInferior?.logE.toFixed(2)} of ${nonInferior?.threshold.toFixed(2)}`
  return `${guardrail} (${task}): not shown to be within ${nonInferior?.margin} by ${count} pairs (${evidence})`
}

/** In hours, unless the whole of it is too short for that, as where a rollout is sped up. */
function stay(ms: number, wholeMs: number): string {
  return wholeMs < 360_000 ? `${(ms / 1_000).toFixed(0)} s` : hours(ms)
}

function hours(ms: number): string {
  return `${(ms / 3_600_000).toFixed(1)} h`
}
