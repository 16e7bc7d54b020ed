import type { Log, World } from '../domain/ports.ts'
import { advance } from '../domain/rollout/advance.ts'
import type { DecisionRecord } from '../domain/rollout/decision-record.ts'
import type { Evidence } from '../domain/rollout/evidence.ts'
import { livePhaseOf, phaseText } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import type { RolloutEvent } from '../domain/rollout/rollout-event.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import type { LastLook } from '../domain/rollout/rollout-view.ts'
import type { EpochMs } from '../domain/units.ts'
import type { DeciderStore } from './ports.ts'
import type { RolloutLog } from './rollout-log.ts'

export type DecideOptions = {
  readonly log: RolloutLog
  readonly store: Pick<DeciderStore, 'record'>
  /** Has a record that the store did not take told as soon as it does. */
  readonly tellLater: (record: DecisionRecord) => void
  readonly evidenceOf: (rollout: Rollout, state: RolloutState) => Promise<Evidence>
  /** Whether this proxy may decide; asked again after each wait. */
  readonly mayDecide: () => boolean
  readonly policyVersion: () => string
  readonly instance: string
  readonly world: World
  readonly lines: Log
}

export type Deciding = {
  /** Never rejects: one rollout that cannot be decided must not keep the others from it. */
  readonly decide: (rollout: Rollout) => Promise<void>
  /** Undefined where another one decides by now: what was said before must not go on being told. */
  readonly looked: (name: string) => LastLook | undefined
  /** Decisions so far, by rollout, action and rule. */
  readonly counts: () => readonly { readonly key: readonly [string, string, string]; readonly count: number }[]
}

/** A look that changes nothing and says the same as the last one is kept so often. */
const KEPT_EVERY_MS = 10 * 60_000
const UNSTORED = { kind: 'unavailable' } as const

/** Looks at rollouts, and carries out what that comes to: first on record, then in the journal, then in force. */
export function createDeciding(options: DecideOptions): Deciding {
  const { log, store, world, lines } = options
  const last = new Map<string, LastLook>()
  const keptAt = new Map<string, EpochMs>()
  const counts = new Map<string, { key: readonly [string, string, string]; count: number }>()

  function isWorthKeeping(name: string, before: LastLook | undefined, { at, transition }: LastLook): boolean {
    if (transition.event !== undefined || before === undefined) return true
    const said = before.transition
    if (said.rule !== transition.rule || said.action !== transition.action) return true
    // What is paused says so as before when harm comes, and that is news.
    if (said.isAlert !== transition.isAlert) return true
    return at - (keptAt.get(name) ?? 0) >= KEPT_EVERY_MS
  }

  async function keep(record: DecisionRecord): Promise<boolean> {
    const { rollout, at } = record
    const sent = await store.record(record)
    if (sent.kind === 'sent') keptAt.set(rollout.name, at)
    else lines.warn('rollout_decision_not_kept', { rollout: rollout.name, detail: sent.detail })
    return sent.kind === 'sent'
  }

  /** As a tripped breaker does: what takes a candidate away does not wait for a store that can be read and not written. */
  async function rollBackHere({ id, rollout, state, transition }: DecisionRecord, event: RolloutEvent): Promise<void> {
    const { at, actor, reason, change } = event
    const { epoch } = state
    await log.addLocal({ id: world.newId(), rollout: rollout.name, at, actor, reason, change, epoch, decision: id })
    lines.error('rollout_rolled_back_here', { rollout: rollout.name, because: transition.because })
  }

  function tell(rollout: Rollout, state: RolloutState, before: LastLook | undefined, { transition }: LastLook): void {
    const { action, rule, because, isAlert } = transition
    const told = { rollout: rollout.name, phase: phaseText(state.phase), action, rule, because }
    const isKnown = before?.transition.isAlert === true && before.transition.rule === rule
    if (isAlert && !isKnown) lines.warn('rollout_alert', told)
  }

  async function look(rollout: Rollout): Promise<void> {
    const { name } = rollout
    const state = log.state(name)
    if (state === undefined || livePhaseOf(state.phase) === undefined) return void last.delete(name)
    // What is not stored yet comes first, and what the file means by now is not what the state is about.
    if (log.waiting().some((local) => local.rollout === name) || state.identity !== rollout.identity) return
    const evidence = await options.evidenceOf(rollout, state)
    const at = Math.floor(world.now())
    const transition = advance(rollout, state, evidence, at)
    const looked: LastLook = { at, evidence, transition }
    const before = last.get(name)
    if (!options.mayDecide()) return
    const { event, action, rule } = transition
    const record: DecisionRecord = {
      id: world.newId(),
      at,
      instance: options.instance,
      policyVersion: options.policyVersion(),
      rollout,
      state,
      evidence,
      transition,
    }
    const isKept = isWorthKeeping(name, before, looked) && (await keep(record))
    last.set(name, looked)
    tell(rollout, state, before, looked)
    const counted = counts.get(`${name}\n${action}\n${rule}`) ?? { key: [name, action, rule], count: 0 }
    counted.count += 1
    counts.set(`${name}\n${action}\n${rule}`, counted)
    if (event === undefined || !options.mayDecide()) return
    // Nothing but a rollback takes effect that is not on record, and nothing that was decided on a state that has gone by.
    const offered = isKept
      ? await log.offer(
          name,
          (known) => (known?.revision === state.revision ? { event, decision: record.id } : undefined),
          1,
        )
      : UNSTORED
    if (offered.kind === 'unavailable' && event.change.kind === 'rolled_back') {
      if (!isKept) options.tellLater(record)
      await rollBackHere(record, event)
    }
    if (offered.kind !== 'stored') return
    const { phase, revision } = transition.next
    lines.info('rollout_decided', {
      rollout: name,
      phase: phaseText(phase),
      revision,
      action,
      rule,
      because: transition.because,
    })
  }

  return {
    looked: (name) => (options.mayDecide() ? last.get(name) : undefined),
    counts: () => [...counts.values()],
    decide: async (rollout) => {
      try {
        await look(rollout)
      } catch (bug) {
        lines.error('rollout_not_decided', { rollout: rollout.name, bug })
      }
    },
  }
}
