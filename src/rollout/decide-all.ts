import type { Log, World } from '../domain/ports.ts'
import { advance } from '../domain/rollout/advance.ts'
import type { DecisionRecord } from '../domain/rollout/decision-record.ts'
import type { Evidence } from '../domain/rollout/evidence.ts'
import { livePhaseOf, phaseText } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import type { LastLook } from '../domain/rollout/rollout-view.ts'
import type { EpochMs } from '../domain/units.ts'
import type { DeciderStore } from './ports.ts'
import type { RolloutLog } from './rollout-log.ts'

export type DecideOptions = {
  readonly log: RolloutLog
  readonly store: Pick<DeciderStore, 'record'>
  readonly evidenceOf: (rollout: Rollout, state: RolloutState) => Promise<Evidence>
  /** Whether this proxy may decide; asked again after each wait. */
  readonly mayDecide: () => boolean
  readonly policyVersion: () => string
  readonly instance: string
  readonly world: World
  readonly lines: Log
}

export type Deciding = {
  readonly decide: (rollout: Rollout) => Promise<void>
  /** Undefined where another one decides by now: what was said before must not go on being told. */
  readonly looked: (name: string) => LastLook | undefined
  /** Decisions so far, by rollout, action and rule. */
  readonly counts: () => readonly { readonly key: readonly [string, string, string]; readonly count: number }[]
}

/** A look that changes nothing and says the same as the last one is kept so often. */
const KEPT_EVERY_MS = 10 * 60_000

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

  async function keep(rollout: Rollout, state: RolloutState, looked: LastLook): Promise<string | undefined> {
    const { at, evidence, transition } = looked
    const { instance } = options
    const policyVersion = options.policyVersion()
    const id = world.newId()
    const record: DecisionRecord = { id, at, instance, policyVersion, rollout, state, evidence, transition }
    const sent = await store.record(record)
    if (sent.kind === 'sent') {
      keptAt.set(rollout.name, at)
      return id
    }
    lines.warn('rollout_decision_not_kept', { rollout: rollout.name, detail: sent.detail })
    return undefined
  }

  function tell(rollout: Rollout, state: RolloutState, before: LastLook | undefined, { transition }: LastLook): void {
    const { action, rule, because, isAlert } = transition
    const told = { rollout: rollout.name, phase: phaseText(state.phase), action, rule, because }
    const isKnown = before?.transition.isAlert === true && before.transition.rule === rule
    if (isAlert && !isKnown) lines.warn('rollout_alert', told)
  }

  return {
    looked: (name) => (options.mayDecide() ? last.get(name) : undefined),
    counts: () => [...counts.values()],
    decide: async (rollout) => {
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
      const id = isWorthKeeping(name, before, looked) ? await keep(rollout, state, looked) : undefined
      last.set(name, looked)
      tell(rollout, state, before, looked)
      const counted = counts.get(`${name}\n${action}\n${rule}`) ?? { key: [name, action, rule], count: 0 }
      counted.count += 1
      counts.set(`${name}\n${action}\n${rule}`, counted)
      // Nothing takes effect that is not on record, and nothing that was decided on a state that has gone by.
      if (event === undefined || id === undefined || !options.mayDecide()) return
      const offered = await log.offer(
        name,
        (known) => (known?.revision === state.revision ? { event, decision: id } : undefined),
        1,
      )
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
    },
  }
}
