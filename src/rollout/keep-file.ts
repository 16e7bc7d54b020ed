import type { Log, World } from '../domain/ports.ts'
import { phaseText } from '../domain/rollout/phase.ts'
import { rivalry } from '../domain/rollout/rival.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import type { RoutingState } from '../domain/state.ts'
import { endOfForgotten, nextFileEvent } from './file-events.ts'
import type { RolloutLog } from './rollout-log.ts'

export type FileKeeperOptions = {
  readonly log: RolloutLog
  readonly state: () => RoutingState
  /** The policy's rollouts at the pace of this proxy. */
  readonly rollouts: () => readonly Rollout[]
  readonly world: World
  readonly lines: Log
}

/** Creation, start and a promotion by several steps are an event each. */
const MOST_EVENTS = 12

/** Brings rollouts to what the file says. */
export type FileKeeper = {
  /**
   * `isReload`: the file has just been read here, so it is newer than whatever another proxy has made of its own. Resolves
   * to whether the journal has heard it all.
   */
  readonly keep: (isReload: boolean) => Promise<boolean>
  /** Warns, once a version, where another proxy has read another file since: what that one says of rollouts counts here. */
  readonly warnOfOthers: () => void
}

export function keepToFile({ log, state, rollouts, world, lines }: FileKeeperOptions): FileKeeper {
  /** Where rollouts that the file does not name any more belonged. */
  const routes = new Map<string, string>()
  let version = ''
  let readAt = 0
  const warnedOf = new Set<string>()

  function noteVersion(): void {
    const { policyVersion } = state()
    if (policyVersion === version) return
    version = policyVersion
    readAt = world.now()
  }

  /** Whether another proxy has heard a file that came into force after this one's. */
  function isOutdated(name: string): boolean {
    const filed = log.stored(name)?.filed
    return filed !== undefined && filed.version !== version && filed.at > readAt
  }

  async function bring(rollout: Rollout, isReload: boolean): Promise<boolean> {
    const { name } = rollout
    for (let count = 0; count < MOST_EVENTS; count++) {
      const offered = await log.offer(name, (known) => {
        if (!isReload && isOutdated(name)) return undefined
        const rival = rivalry(rollout, rollouts(), log.states())
        return nextFileEvent(rollout, known, log.stored(name)?.filed?.asked, Math.floor(world.now()), rival)
      })
      if (offered.kind === 'unavailable') {
        await bringLocally(rollout)
        return false
      }
      if (offered.kind !== 'stored') return true
      told(name)
    }
    return true
  }

  /** Percentages count at once; whatever else the file asks for waits for the store. */
  async function bringLocally(rollout: Rollout): Promise<void> {
    const { name } = rollout
    const now = log.state(name)
    const asked = log.stored(name)?.filed?.asked
    const next = now === undefined ? undefined : nextFileEvent(rollout, now, asked, Math.floor(world.now()))
    if (now === undefined || next?.event.change.kind !== 'edited') return
    if (next.event.change.identity !== now.identity || next.asked !== asked) return
    const { at, actor, reason, change } = next.event
    await log.addLocal({ id: world.newId(), rollout: name, at, actor, reason, change, epoch: now.epoch, asked })
    told(name)
  }

  function told(name: string): void {
    const now = log.state(name)
    if (now === undefined) return
    const { revision, actor, reason } = now
    lines.info('rollout_changed', { rollout: name, phase: phaseText(now.phase), revision, actor, reason })
  }

  return {
    keep: async (isReload) => {
      if (!log.hasLooked()) return false
      noteVersion()
      const named = rollouts()
      for (const { name, route } of named) routes.set(name, route)
      for (const name of log.states().keys()) {
        if (named.some((each) => each.name === name)) continue
        const successor = named.find(({ route }) => route === routes.get(name))?.name
        const ended = await log.offer(name, (known) => {
          const event = known === undefined ? undefined : endOfForgotten(known, successor, Math.floor(world.now()))
          return event === undefined || (!isReload && isOutdated(name)) ? undefined : { event }
        })
        if (ended.kind === 'stored') told(name)
      }
      let isHeard = true
      for (const rollout of named) isHeard = (await bring(rollout, isReload)) && isHeard
      return isHeard
    },
    warnOfOthers: () => {
      noteVersion()
      for (const { name } of rollouts()) {
        const filed = log.stored(name)?.filed
        if (filed === undefined || !isOutdated(name) || warnedOf.has(filed.version)) continue
        warnedOf.add(filed.version)
        lines.warn('rollout_file_differs', {
          rollout: name,
          version,
          filed: filed.version,
          detail:
            'Another proxy has read another file since, and of rollouts that one counts. Give all proxies the same file.',
        })
      }
    },
  }
}
