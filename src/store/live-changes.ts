import { setTimeout as delay } from 'node:timers/promises'
import type { ChangeAnswer, ChangeRequest } from '../domain/changes/change-request.ts'
import { changeWeights, isChangeable, routeStanding } from '../domain/changes/change-weights.ts'
import { CONFIG_FILE, type ConfigEvent } from '../domain/changes/config-event.ts'
import { overlayOf } from '../domain/changes/fold-changes.ts'
import { lastChanges, standingIds } from '../domain/changes/last-changes.ts'
import type { Cell, Closable, Log, World } from '../domain/ports.ts'
import type { RoutingState } from '../domain/state.ts'
import type { RequestId } from '../domain/units.ts'
import { type JournalFollower, openChangeLog } from './change-log.ts'
import type { AppliedPolicy, Journal } from './journal.ts'
import { EMPTY_LIVE_FILE, type LiveFile, readLiveFile, writeLiveFile } from './live-file.ts'

export type LiveChangesOptions = {
  /** Gets the overlay swapped in; everything else in it stays. */
  readonly state: Cell<RoutingState>
  /** Undefined: no store is configured, and changes are this instance's alone. */
  readonly journal: Journal | undefined
  /** Absolute; read at the start and written at each change. */
  readonly file: string
  readonly instance: string
  /** The policy in force, its text without secrets. */
  readonly keptPolicy: () => Pick<AppliedPolicy, 'text' | 'variables'>
  readonly world: World
  readonly log: Log
  /** Who else learns from each look at the journal. */
  readonly followers?: readonly JournalFollower[]
  /** Between two looks at the journal, 1 s. */
  readonly pollMs?: number
}

export type LiveChanges = Closable & {
  readonly change: (request: ChangeRequest) => Promise<ChangeAnswer>
  /** The last change of a route, whether or not it still counts. */
  readonly lastChange: (route: string) => ConfigEvent | undefined
  /** Changes that the store has not been told of yet. */
  readonly waiting: () => number
  /** Looks at the journal at once, for all followers. Resolves to whether the store could be asked. */
  readonly look: () => Promise<boolean>
}

/** What `ifMatch` says where the file's own weights are to be changed. */
const OF_THE_FILE = 'file'

const POLL_MS = 1_000
/** How long a caller waits to hear that the others will see the change. */
const STORE_PATIENCE_MS = 2_000
/** Beyond it, no more changes are taken while the store is away. */
const MOST_WAITING = 1_000
/** Revisions lost to changes of other routes before one that must not be late gives up. */
const MOST_TRIES = 20

/**
 * Keeps live changes: those of all instances, read from the journal every second and swapped into the state, and those
 * made here, which count here at once and go to the journal as soon as it can be reached. What is known is kept in a file,
 * so that a restart without the store changes nothing.
 */
export async function openLiveChanges(options: LiveChangesOptions): Promise<LiveChanges> {
  const { state, journal, file, instance, world, log, followers = [], pollMs = POLL_MS } = options
  const read = await readLiveFile(file)
  if (read === undefined) log.warn('live_changes_unreadable', { file, detail: 'Starting from the journal alone.' })
  const kept = read ?? EMPTY_LIVE_FILE
  const changes = openChangeLog({ journal, kept, followers, log, onChange: swapIn })
  /** Changes that counted here under the policy that was in force before the last look at it. */
  let counted: ReadonlySet<RequestId> = new Set(kept.inForce)
  let seenVersion = state.current().policyVersion
  let isPolicyChecked = false
  /** Undefined until the journal has been reached once. */
  let wasUp: boolean | undefined
  let savedAs = textOf(kept)
  let saving: Promise<void> = Promise.resolve()
  const closing = new AbortController()

  swapIn()
  const unsubscribe = state.subscribe(({ policyVersion }) => {
    if (policyVersion !== seenVersion) followPolicy(policyVersion)
  })
  followPolicy(seenVersion)
  const polling = poll()

  function last(): ReadonlyMap<string, ConfigEvent> {
    return lastChanges(changes.folded(), changes.waiting())
  }

  function swapIn(): void {
    const overlay = overlayOf(changes.folded(), changes.waiting())
    if ((state.current().overlay?.revision ?? '') === overlay.revision) return
    state.swap((previous) => ({ ...previous, overlay }))
  }

  function followPolicy(version: string): void {
    seenVersion = version
    changes.addPolicy({ version, appliedAt: world.now(), instance, ...options.keptPolicy() })
    supersede(() => false)
    void save()
  }

  /**
   * Declares over what counted here and does not any more, because the file says something else now: otherwise editing the
   * file back would revive it. `isOlder`: so is what never counted here.
   */
  function supersede(isOlder: (event: ConfigEvent) => boolean): void {
    const standing = standingIds(state.current(), last())
    const over = [...last().values()].filter(
      (event) =>
        event.change.kind === 'weights_set' && !standing.has(event.id) && (counted.has(event.id) || isOlder(event)),
    )
    counted = standing
    for (const { id, change, now } of over) {
      const { route } = change
      const filed = routeStanding(state.current().policy, undefined, route)
      log.info('live_change_superseded', { route, event: id, by: seenVersion })
      changes.add({
        ...made(CONFIG_FILE, 'the file was edited'),
        change: { kind: 'weights_superseded', route, of: id },
        before: now,
        now: { weights: 'base' in filed ? filed.base : {}, pins: [] },
      })
    }
  }

  /** Remembers what counts now beside what has counted, as long as nothing else has come for the same route. */
  function recount(): void {
    const standing = standingIds(state.current(), last())
    const ids = [...last().values()].map(({ id }) => id)
    counted = new Set(ids.filter((id) => counted.has(id) || standing.has(id)))
  }

  function made(actor: string, reason: string): Omit<ConfigEvent, 'change' | 'before' | 'now'> {
    const { revision: after } = changes.folded()
    return { id: world.newId(), at: world.now(), instance, actor, reason, policyVersion: seenVersion, after }
  }

  /** One write after the other; a file that could not be written is tried again at the next change or look. */
  function save(): Promise<void> {
    saving = saving.then(async () => {
      const [folded, waiting, policies] = [changes.folded(), changes.waiting(), changes.policies()]
      const now = { folded, waiting, policies, inForce: [...counted] }
      const text = textOf(now)
      if (text === savedAs) return
      const failure = await writeLiveFile(file, now)
      if (failure === undefined) savedAs = text
      else log.error('live_changes_unwritable', { file, code: failure })
    })
    return saving
  }

  async function poll(): Promise<void> {
    const { signal } = closing
    while (journal !== undefined && !signal.aborted) {
      if (isWorthALook()) {
        const isUp = await changes.sync()
        noteOutage(isUp)
        recount()
        if (isUp && !isPolicyChecked) await checkPolicy(journal)
        await save()
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Where there is nothing that could be changed, the journal is not asked. */
  function isWorthALook(): boolean {
    const hasSomethingToTell = changes.waiting().length > 0 || changes.policies().length > 0
    return hasSomethingToTell || followers.some(({ isWanted }) => isWanted()) || isChangeable(state.current().policy)
  }

  function noteOutage(isUp: boolean): void {
    if (wasUp === true && !isUp) log.warn('live_changes_alone', { detail: 'The journal is away; what is known stays.' })
    if (wasUp === false && isUp) log.info('live_changes_back', { revision: changes.folded().revision })
    if (isUp || wasUp !== undefined) wasUp = isUp
  }

  /** Changes that are older than the policy of this start are over: the file was edited while nobody ran to see it. */
  async function checkPolicy(from: Journal): Promise<void> {
    const seen = await from.policySeenAt(seenVersion)
    if (seen.kind === 'unavailable' || seen.value === undefined) return
    isPolicyChecked = true
    const since = seen.value
    supersede(({ at }) => at < since)
    await changes.sync()
  }

  async function change(request: ChangeRequest): Promise<ChangeAnswer> {
    const { route, wish, actor, reason, ifMatch } = request
    const mustBeFirst = ifMatch !== undefined && journal !== undefined
    if (mustBeFirst && !(await changes.sync())) {
      return { kind: 'unavailable', detail: 'only the store can tell which change is the latest; leave out if-match' }
    }
    const found = tagOf(route)
    if (ifMatch !== undefined && ifMatch !== found) return { kind: 'conflict', found }
    if (changes.waiting().length >= MOST_WAITING) {
      return { kind: 'unavailable', detail: `${MOST_WAITING} changes wait for the store already` }
    }
    const { policy, overlay } = state.current()
    const changed = changeWeights(policy, overlay, route, wish)
    if ('fault' in changed) return { kind: 'refused', ...changed }
    const event = { ...made(actor, reason), ...changed }
    const answer = mustBeFirst ? await claim(event, found) : await put(event)
    recount()
    await save()
    if (answer.kind === 'applied') {
      const { id, before, now } = event
      log.info('weights_changed', { route, actor, reason, event: id, before, now, isStored: answer.isStored })
    }
    return answer
  }

  async function put(event: ConfigEvent): Promise<ChangeAnswer> {
    changes.add(event)
    await save() // before anyone is told that it is done
    const timer = new AbortController()
    const late = delay(STORE_PATIENCE_MS, undefined, { signal: timer.signal }).catch(() => undefined)
    await Promise.race([changes.sync(), late])
    timer.abort()
    const isWaiting = changes.waiting().some(({ id }) => id === event.id)
    return { kind: 'applied', event, isStored: journal !== undefined && !isWaiting }
  }

  /** Counts only if nothing else has come for its route by the time it has its revision. */
  async function claim(event: ConfigEvent, expected: string): Promise<ChangeAnswer> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (!(await changes.offer(event))) {
        return { kind: 'unavailable', detail: 'the store went away meanwhile; look whether the change is in force' }
      }
      const found = last().get(event.change.route)?.id
      if (found === event.id) return { kind: 'applied', event, isStored: true }
      if (tagOf(event.change.route) !== expected) return { kind: 'conflict', found: tagOf(event.change.route) }
    }
    return { kind: 'unavailable', detail: 'too many other changes at the same time' }
  }

  function tagOf(route: string): string {
    const event = last().get(route)
    return event?.change.kind === 'weights_set' ? event.id : OF_THE_FILE
  }

  return {
    change,
    lastChange: (route) => last().get(route),
    waiting: () => changes.waiting().length,
    look: changes.sync,
    close: async () => {
      closing.abort()
      unsubscribe()
      await polling
      await save()
    },
  }
}

/** The same for files that say the same. */
function textOf({ folded, waiting, policies, inForce }: LiveFile): string {
  return JSON.stringify([folded.revision, folded.lastId, waiting, policies, inForce])
}
