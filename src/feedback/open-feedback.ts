import { setTimeout as delay } from 'node:timers/promises'
import {
  type DecisionRecord,
  decideAndRemember,
  entryOfDecision,
  isNews,
  NO_MEMORY,
  recordOfEntry,
} from '../domain/feedback/decision-record.ts'
import { decisionText } from '../domain/feedback/explain-decision.ts'
import type { FeedbackPolicy } from '../domain/feedback/feedback-policy.ts'
import type { FeedbackReport, RouteFeedback } from '../domain/feedback/feedback-report.ts'
import { readingsOf, routeInputs } from '../domain/feedback/route-inputs.ts'
import { FEEDBACK_RULE, ruleAtSpeed } from '../domain/feedback/rule.ts'
import type { Cell, Closable, Log, World } from '../domain/ports.ts'
import { AUTOMATIC } from '../domain/rollout/rollout-event.ts'
import type { Route, WeightedTarget } from '../domain/routing/route.ts'
import type { RoutingState } from '../domain/state.ts'
import type { ChangeWeights, FeedbackStore } from './ports.ts'

export type FeedbackOptions = {
  readonly state: Cell<RoutingState>
  /** Undefined: no store is configured, and nothing is decided. */
  readonly store: FeedbackStore | undefined
  readonly weights: ChangeWeights
  readonly instance: string
  /** Between two looks at all rollouts, of which five make one here; and how much faster than the clock times pass. */
  readonly pace: { readonly tickMs: number; readonly speed: number }
  readonly world: World
  readonly log: Log
}

export type Feedback = Closable & { readonly report: () => FeedbackReport }

/** Scores come slowly, and weights move at most once an hour: five minutes with the pace there is. */
const TICKS_BETWEEN_LOOKS = 5
/** While ClickHouse is away, as it is when the proxy starts. */
const TICKS_BETWEEN_TRIES = 1 / 12
const READ_TIMEOUT_MS = 30_000
const LONGEST_REASON = 1_000

/**
 * The slow loop from evidence to weights: every few minutes, on the one proxy that has the lease, each route that wants it
 * is looked at, what is decided is written down, and then the weights are changed as an operator would change them. While
 * ClickHouse is away, or says nothing new, everything stays as it is.
 */
export function openFeedback(options: FeedbackOptions): Feedback {
  const { state, store, weights, instance, pace, world, log } = options
  const rule = ruleAtSpeed(FEEDBACK_RULE, pace.speed)
  const holder = world.newId()
  const closing = new AbortController()
  const known = new Map<string, RouteFeedback>()
  const counts = new Map<string, { readonly route: string; readonly kind: string; readonly count: number }>()
  const running = store === undefined ? Promise.resolve() : run(store)

  async function run(from: FeedbackStore): Promise<void> {
    const { signal } = closing
    while (!signal.aborted) {
      const ticks = (await hasLooked(from)) ? TICKS_BETWEEN_LOOKS : TICKS_BETWEEN_TRIES
      await delay(ticks * pace.tickMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async function hasLooked(from: FeedbackStore): Promise<boolean> {
    if (wanted().length === 0) return true
    try {
      return await turn(from)
    } catch (bug) {
      log.error('feedback_failed', { bug })
      for (const route of wanted()) freeze(route, 'A bug; see the log.')
      return true
    }
  }

  function wanted(): readonly (Route & { readonly feedback: FeedbackPolicy })[] {
    return state
      .current()
      .policy.routing.routes.flatMap((route) =>
        route.feedback === undefined ? [] : [{ ...route, feedback: route.feedback }],
      )
  }

  /** Resolves to whether the store could be asked. */
  async function turn(from: FeedbackStore): Promise<boolean> {
    const held = await from.asDecider(holder, async (lost) => {
      const signal = AbortSignal.any([closing.signal, lost])
      for (const route of wanted()) {
        if (signal.aborted) return
        const fault = await look(from, route, AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]))
        if (fault !== undefined) freeze(route, fault)
      }
    })
    if (held.kind === 'unavailable') for (const route of wanted()) freeze(route, held.detail)
    else if (held.value === 'busy')
      for (const route of wanted()) note(route, 'waiting', 'Another proxy decides just now.')
    return held.kind === 'ok'
  }

  /** Resolves to why nothing could be decided; undefined where it was. */
  async function look(
    from: FeedbackStore,
    route: Route & { readonly feedback: FeedbackPolicy },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { name } = route
    const last = await from.last(name, signal)
    if (last.kind === 'unavailable') return last.detail
    const before = last.value === undefined ? undefined : recordOfEntry(last.value)
    const now = Math.floor(world.now())
    const lastChange = weights.lastChange(name)
    const inputs = routeInputs(state.current(), route, before?.memory ?? NO_MEMORY, rule, now, lastChange)
    if (inputs === undefined) return undefined
    // What the decision is about: whoever changes the weights meanwhile wins.
    const ifMatch = lastChange?.change.kind === 'weights_set' ? lastChange.id : 'file'
    const { changedAt, quarantined } = inputs
    const readings = await from.readings(
      { route: name, asOf: now, rule, reference: referenceOf(route), changedAt, quarantined },
      signal,
    )
    if (readings.kind === 'unavailable') return readings.detail
    const record = decideAndRemember({
      ...inputs,
      readings: readingsOf(readings.value, Object.keys(inputs.weights.weights)),
    })
    const place = { revision: (last.value?.revision ?? 0) + 1, ifMatch }
    const fault = isNews(record, before, rule.minGapMs) ? await tell(from, route, record, place, signal) : undefined
    if (fault === undefined) note(route, record.decision.verdict, decisionText(record.decision))
    return fault
  }

  /** Writes the decision down; then, and only then, the weights move. */
  async function tell(
    from: FeedbackStore,
    { name, feedback }: Route & { readonly feedback: FeedbackPolicy },
    record: DecisionRecord,
    { revision, ifMatch }: { readonly revision: number; readonly ifMatch: string },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { policyVersion } = state.current()
    const entry = entryOfDecision(record, { id: world.newId(), route: name, revision, instance, policyVersion })
    const sent = await from.record(entry)
    if (sent.kind === 'unavailable') return sent.detail
    const stored = await from.last(name, signal)
    if (stored.kind === 'unavailable') return stored.detail
    if (stored.value?.id !== entry.id) return undefined // another one has decided meanwhile
    count(name, entry.kind)
    log.info('weights_decided', { route: name, decision: revision, kind: entry.kind, reason: entry.reason })
    alertQuarantines(name, record)
    if (feedback.mode !== 'apply' || record.decision.verdict !== 'moved') return undefined
    const { weights: next, tasks } = record.decision.next
    const reason = `decision ${revision}: ${entry.reason}`.slice(0, LONGEST_REASON)
    const wish = { weights: next, pins: undefined, ...(tasks === undefined ? {} : { tasks }) }
    const answer = await weights.change({ route: name, wish, actor: AUTOMATIC, reason, ifMatch })
    if (answer.kind === 'applied') return undefined
    log.warn('weights_not_changed', { route: name, decision: revision, answer: answer.kind })
    return answer.kind === 'conflict'
      ? 'Somebody else has changed the weights meanwhile.'
      : 'The weights could not be changed.'
  }

  function alertQuarantines(route: string, { decision, inputs }: DecisionRecord): void {
    for (const { task, arms, quarantined } of decision.cells) {
      for (const arm of Object.keys(quarantined).filter((key) => quarantined[key] === inputs.now)) {
        const seen = arms.find((each) => each.arm === arm)
        const { goodEnough, aboveMinimum } = seen ?? {}
        log.warn('model_below_minimum', { route, task, target: arm, goodEnough, aboveMinimum })
      }
    }
  }

  function freeze(route: Route & { readonly feedback: FeedbackPolicy }, detail: string): void {
    if (closing.signal.aborted) return
    // At a start the store is not there yet, which is no news.
    const { verdict = 'waiting' } = known.get(route.name) ?? {}
    if (verdict === 'moved' || verdict === 'held') log.warn('weights_frozen', { route: route.name, detail })
    note(route, 'frozen', detail)
  }

  function note(
    { name, feedback }: Route & { readonly feedback: FeedbackPolicy },
    verdict: RouteFeedback['verdict'],
    detail: string,
  ): void {
    known.set(name, { route: name, mode: feedback.mode, verdict, detail, at: world.now() })
  }

  function count(route: string, kind: string): void {
    const key = `${route}\n${kind}`
    counts.set(key, { route, kind, count: (counts.get(key)?.count ?? 0) + 1 })
  }

  return {
    report: () => ({
      routes: wanted().map(
        ({ name, feedback: { mode } }) =>
          known.get(name) ?? { route: name, mode, verdict: 'waiting', detail: 'Not looked at yet.', at: undefined },
      ),
      decisions: [...counts.values()],
    }),
    close: async () => {
      closing.abort()
      await running
    },
  }
}

/** The arm that pairs are read against. */
function referenceOf({ feedback, strategy }: Route): { readonly provider: string; readonly model: string } | undefined {
  const targets: readonly WeightedTarget[] =
    strategy.kind === 'weighted' || strategy.kind === 'balance' ? strategy.targets : []
  const reference = feedback?.reference
  if (reference?.kind !== 'arm') return undefined
  const target = targets.find((each) => each.target.key === reference.key)?.target
  return target?.model === undefined ? undefined : { provider: target.provider, model: target.model }
}
