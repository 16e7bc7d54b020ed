import { setTimeout as delay } from 'node:timers/promises'
import type { Log, World } from '../domain/ports.ts'
import { type Authorship, command, type Verb } from '../domain/rollout/command.ts'
import { phaseText } from '../domain/rollout/phase.ts'
import { rivalry } from '../domain/rollout/rival.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import type { RolloutAnswer, RolloutRequest } from '../domain/rollout/rollout-view.ts'
import type { EventJournal, RolloutLog } from './rollout-log.ts'

export type ChangingOptions = {
  readonly log: RolloutLog
  /** Undefined: no store is configured. */
  readonly journal: EventJournal | undefined
  readonly rollouts: () => readonly Rollout[]
  /** Brings rollouts to what the file says; until then one may not be known. */
  readonly keepFile: () => Promise<boolean>
  /** Something has changed that the decider should look at. */
  readonly onChange: () => void
  readonly world: World
  readonly lines: Log
}

/** How long a caller waits to hear that the others will see the change. */
const STORE_PATIENCE_MS = 2_000

/** Carries out what people ask of rollouts: what is safe at once and here, all else by the journal's next revision. */
export function createChanging(options: ChangingOptions): (request: RolloutRequest) => Promise<RolloutAnswer> {
  const { log, journal, rollouts, keepFile, onChange, world, lines } = options

  /** Takes the candidate away, or freezes it: in force here before anybody else is asked. */
  async function stop(rollout: Rollout, verb: Verb, asked: Authorship): Promise<RolloutAnswer> {
    const { name } = rollout
    const known = log.state(name)
    if (known === undefined) return { kind: 'refused', because: 'nothing is known of it.' }
    // The clock of whoever made the last change may be ahead, and what is asked on top of it is no older.
    const by = { ...asked, at: Math.max(asked.at, known.changedAt) }
    const answer = command(rollout, known, verb, by)
    if (answer.kind === 'refused') return answer
    const id = world.newId()
    await log.addLocal({ id, rollout: name, ...by, change: answer.event.change, epoch: known.epoch })
    await withinPatience(log.tellWaiting())
    const isWaiting = log.waiting().some((each) => each.id === id)
    if (journal === undefined || isWaiting) return { kind: 'applied', isStored: false }
    // What has not been heard of here yet, such as a new epoch, has taken its ground away: it is asked of what is there now.
    return log.hasStored(id) ? { kind: 'applied', isStored: true } : claim(rollout, verb, asked, undefined)
  }

  async function claim(
    rollout: Rollout,
    verb: Verb,
    by: Authorship,
    ifMatch: string | undefined,
  ): Promise<RolloutAnswer> {
    const { name } = rollout
    const away = {
      kind: 'unavailable',
      detail: isSafe(verb)
        ? 'only the store can tell its revision; without if-match this is done at once'
        : 'only the store can tell where it stands; pause, rollback and abort work without it',
    } as const
    if (journal !== undefined && !(await journal.look())) return away
    const tag = (): string => String(log.stored(name)?.state.revision ?? 0)
    if (ifMatch !== undefined && ifMatch !== tag()) return { kind: 'conflict', found: tag() }
    let refused: string | undefined
    const offered = await log.offer(
      name,
      (known) => {
        if (known === undefined) return undefined
        const begins = verb.kind === 'start' || verb.kind === 'retry'
        refused = begins ? rivalry(rollout, rollouts(), log.states()) : undefined
        if (refused !== undefined) return undefined
        const answer = command(rollout, known, verb, by)
        refused = answer.kind === 'refused' ? answer.because : undefined
        return answer.kind === 'event' ? { event: answer.event } : undefined
      },
      ifMatch === undefined ? undefined : 1,
    )
    switch (offered.kind) {
      case 'stored':
        return { kind: 'applied', isStored: journal !== undefined }
      case 'none':
        return { kind: 'refused', because: refused ?? 'nothing is known of it.' }
      case 'beaten':
        return { kind: 'conflict', found: tag() }
      case 'unavailable':
        return { kind: 'unavailable', detail: 'the store went away meanwhile; look whether the change is in force' }
    }
  }

  async function withinPatience(work: Promise<void>): Promise<void> {
    const timer = new AbortController()
    const late = delay(STORE_PATIENCE_MS, undefined, { signal: timer.signal }).catch(() => undefined)
    await Promise.race([work, late])
    timer.abort()
  }

  return async (request) => {
    const { name, verb, actor, reason, ifMatch } = request
    const rollout = rollouts().find((each) => each.name === name)
    if (rollout === undefined) return { kind: 'unknown', known: rollouts().map((each) => each.name) }
    if (log.state(name) === undefined) {
      await keepFile()
      if (log.state(name) === undefined)
        return { kind: 'unavailable', detail: 'nothing is known of it before the store is there' }
    }
    const by = { actor, reason, at: Math.floor(world.now()) }
    const answer =
      isSafe(verb) && ifMatch === undefined ? await stop(rollout, verb, by) : await claim(rollout, verb, by, ifMatch)
    if (answer.kind === 'applied') {
      const now = log.state(name)
      const phase = now === undefined ? '' : phaseText(now.phase)
      lines.info('rollout_changed', { rollout: name, verb: verb.kind, phase, actor, reason, isStored: answer.isStored })
      onChange()
    }
    return answer
  }
}

/** Verbs that are done at once wherever they are asked for, store or no store. */
function isSafe({ kind }: Verb): boolean {
  return kind === 'pause' || kind === 'rollback' || kind === 'abort'
}
