import type { JournalEntry } from '../domain/changes/journal-entry.ts'
import type { Log, World } from '../domain/ports.ts'
import { eventOfLocal, type LocalChange, withLocals } from '../domain/rollout/local-change.ts'
import { livePhaseOf } from '../domain/rollout/phase.ts'
import type { RolloutEvent } from '../domain/rollout/rollout-event.ts'
import { applyEvent, fold, type RolloutState } from '../domain/rollout/rollout-state.ts'
import {
  askedBy,
  entryOfRolloutEvent,
  type EventStory,
  phasesAround,
  rolloutEventOf,
} from '../domain/rollout/stored-event.ts'
import type { RequestId } from '../domain/units.ts'
import { EMPTY_ROLLOUT_FILE, type Filed, type KnownRollout, readRolloutFile, writeRolloutFile } from './rollout-file.ts'

/** Where events are told and read. Nothing here rejects: an outage is an answer. */
export type EventJournal = {
  readonly append: (
    entry: JournalEntry,
  ) => Promise<{ readonly kind: 'sent' } | { readonly kind: 'unavailable'; readonly detail: string }>
  /** Has everything new handed to `take`. Resolves to whether the store could be asked. */
  readonly look: () => Promise<boolean>
}

/** What the event `make` makes of a state; undefined: nothing is to be done. */
export type MakeEvent = (
  state: RolloutState | undefined,
) => { readonly event: RolloutEvent; readonly asked?: string | undefined; readonly decision?: RequestId } | undefined

export type Offered =
  | { readonly kind: 'stored'; readonly event: RolloutEvent }
  /** Nothing is to be done, or not any more. */
  | { readonly kind: 'none' }
  /** Another event came first, and `make` may not be asked again. */
  | { readonly kind: 'beaten' }
  /** The store is away; whether the event has arrived is not known. */
  | { readonly kind: 'unavailable' }

export type RolloutLog = {
  /** What was read of the journal, as its follower. */
  readonly follower: {
    readonly table: 'rollout_events'
    readonly isWanted: () => boolean
    readonly position: () => Readonly<Record<string, number>>
    readonly take: (rows: readonly JournalEntry[]) => void
  }
  /** All that is known, with the changes that were made here and are not stored yet. */
  readonly states: () => ReadonlyMap<string, RolloutState>
  readonly state: (name: string) => RolloutState | undefined
  /** As the journal has it alone. */
  readonly stored: (name: string) => KnownRollout | undefined
  /** Whether the journal has been read since the start: until then a rollout that is not known may well be there. */
  readonly hasLooked: () => boolean
  /** Changes that the store has not been told of yet. */
  readonly waiting: () => readonly LocalChange[]
  /** Whether the journal has the event of this id, of the last 10,000 that came from it. */
  readonly hasStored: (id: RequestId) => boolean
  /**
   * Makes the next event of `name` by compare-and-swap. `tries` 1: whatever comes in between has beaten it; else `make` is
   * asked again on top of it.
   */
  readonly offer: (name: string, make: MakeEvent, tries?: number) => Promise<Offered>
  /** In force here from now on, and offered to the journal when that can be reached. Resolves when it is on disk. */
  readonly addLocal: (local: LocalChange) => Promise<void>
  /** Tells the journal what waits. */
  readonly tellWaiting: () => Promise<void>
  readonly close: () => Promise<void>
}

export type RolloutLogOptions = {
  /** Absolute; read at the start and written at each change. */
  readonly file: string
  /** Undefined: no store is configured, and what is made here is all there is. */
  readonly journal: EventJournal | undefined
  readonly instance: string
  readonly policyVersion: () => string
  /** Whether the policy has rollouts at all. */
  readonly isWanted: () => boolean
  /** What is known has changed. */
  readonly onChange: (states: ReadonlyMap<string, RolloutState>) => void
  readonly world: World
  readonly log: Log
}

/** Revisions lost to others in a row before an event waits for the next look. */
const MOST_TRIES = 20
/** Ids that are remembered, to know one's own events among those of the journal. */
const MOST_IDS = 10_000

/** Keeps what is known of rollouts: the fold of the journal, and on top of it what was done here without it. */
export async function openRolloutLog(options: RolloutLogOptions): Promise<RolloutLog> {
  const { file, journal, instance, world, log } = options
  const read = await readRolloutFile(file)
  if (read === undefined) log.warn('rollouts_unreadable', { file, detail: 'Starting from the journal alone.' })
  const kept = read ?? EMPTY_ROLLOUT_FILE
  let known: ReadonlyMap<string, KnownRollout> = new Map(kept.known.map((each) => [each.state.name, each]))
  let waiting = kept.waiting
  let states = statesOf()
  let hasLooked = journal === undefined
  /** The journal is another one: everything is read again from its start, and until then what is known stays. */
  let isAnew = false
  const seenIds = new Set<RequestId>()
  let savedAs = JSON.stringify(kept)
  let saving: Promise<void> = Promise.resolve()
  let telling: Promise<void> | undefined
  options.onChange(states)

  function statesOf(): ReadonlyMap<string, RolloutState> {
    const all = new Map<string, RolloutState>()
    for (const [name, { state }] of known) {
      const own = withLocals(state, ofRollout(name))
      if (own !== undefined) all.set(name, own)
    }
    return all
  }

  function ofRollout(name: string): readonly LocalChange[] {
    return waiting.filter(({ rollout }) => rollout === name)
  }

  /** Of a rollout that the file does not name any more the end has yet to be told. */
  function isAnythingLive(): boolean {
    return [...known.values()].some(
      ({ state: { phase } }) => phase.kind === 'draft' || livePhaseOf(phase) !== undefined,
    )
  }

  function changed(): void {
    states = statesOf()
    options.onChange(states)
    void save()
  }

  /** One write after the other; a file that could not be written is tried again at the next change. */
  function save(): Promise<void> {
    saving = saving.then(async () => {
      const now = { known: [...known.values()], waiting }
      const text = JSON.stringify(now)
      if (text === savedAs) return
      const failure = await writeRolloutFile(file, text)
      if (failure === undefined) savedAs = text
      else log.error('rollouts_unwritable', { file, code: failure })
    })
    return saving
  }

  function take(rows: readonly JournalEntry[]): void {
    const isSame =
      isAnew ||
      [...known.values()].every(({ state, lastId }) =>
        rows.some(({ name, revision, id }) => name === state.name && revision === state.revision && id === lastId),
      )
    if (!isSame) {
      log.warn('rollouts_restarted', { detail: 'The journal is another one now; it is read from its start.' })
      isAnew = true
      return
    }
    const from: ReadonlyMap<string, KnownRollout> = isAnew ? new Map() : known
    const next = new Map(from)
    for (const entry of rows.toSorted((one, other) => one.revision - other.revision)) remember(next, entry)
    for (const { id } of rows) note(id)
    const left = waiting.filter(({ id }) => !seenIds.has(id))
    const isNews = isAnew || left.length !== waiting.length || [...next].some(([name, one]) => known.get(name) !== one)
    hasLooked = true
    isAnew = false
    known = next
    waiting = left
    if (isNews) changed()
    if (waiting.length > 0) void tellWaiting()
  }

  function note(id: RequestId): void {
    seenIds.delete(id)
    seenIds.add(id)
    if (seenIds.size <= MOST_IDS) return
    const [oldest] = seenIds
    if (oldest !== undefined) seenIds.delete(oldest)
  }

  function storyOf(id: RequestId, before: RolloutState | undefined, event: RolloutEvent): EventStory {
    const after = before === undefined ? fold([event]) : applyEvent(before, event)
    return { id, instance, policyVersion: options.policyVersion(), ...phasesAround(before, after) }
  }

  async function offer(name: string, make: MakeEvent, tries = MOST_TRIES): Promise<Offered> {
    if (journal === undefined) return fileAway(name, make)
    if (ofRollout(name).length > 0) await tellWaiting() // It came first.
    if (ofRollout(name).length > 0) return { kind: 'unavailable' }
    for (let tried = 0; tried < tries; tried++) {
      const before = known.get(name)?.state
      const made = make(before)
      if (made === undefined) return { kind: 'none' }
      const id = world.newId()
      const { event, asked, decision } = made
      const entry = entryOfRolloutEvent(event, { ...storyOf(id, before, event), asked, decision })
      const sent = await journal.append(entry)
      if (sent.kind === 'unavailable' || !(await journal.look())) return { kind: 'unavailable' }
      if (seenIds.has(id)) return { kind: 'stored', event }
    }
    return { kind: 'beaten' }
  }

  /** Where there is no store, what is made is what is known. */
  function fileAway(name: string, make: MakeEvent): Offered {
    const before = known.get(name)?.state
    const made = make(before)
    if (made === undefined) return { kind: 'none' }
    const state = before === undefined ? fold([made.event]) : applyEvent(before, made.event)
    if (state === undefined) return { kind: 'none' }
    const { asked, event } = made
    const filed =
      asked === undefined ? known.get(name)?.filed : { at: event.at, version: options.policyVersion(), asked }
    known = new Map([...known, [name, { state, lastId: world.newId(), filed }]])
    changed()
    return { kind: 'stored', event: made.event }
  }

  /** One at a time: whoever asks meanwhile waits for the one under way. */
  function tellWaiting(): Promise<void> {
    telling ??= tellAll().finally(() => (telling = undefined))
    return telling
  }

  async function tellAll(): Promise<void> {
    if (journal === undefined) return
    for (let tries = 0; tries < MOST_TRIES && waiting.length > 0; tries++) {
      const [local] = waiting
      if (local === undefined) return
      const before = known.get(local.rollout)?.state
      const event = eventOfLocal(before, local)
      if (event === undefined) {
        log.info('rollout_change_overtaken', { rollout: local.rollout, kind: local.change.kind, event: local.id })
        waiting = waiting.filter((each) => each !== local)
        changed()
        continue
      }
      const { id, asked, decision } = local
      const sent = await journal.append(entryOfRolloutEvent(event, { ...storyOf(id, before, event), asked, decision }))
      if (sent.kind === 'unavailable' || !(await journal.look())) return
    }
  }

  return {
    follower: {
      table: 'rollout_events',
      isWanted: () => options.isWanted() || waiting.length > 0 || isAnythingLive(),
      position: () => (isAnew ? {} : Object.fromEntries([...known].map(([name, { state }]) => [name, state.revision]))),
      take,
    },
    states: () => states,
    state: (name) => states.get(name),
    stored: (name) => known.get(name),
    hasLooked: () => hasLooked,
    waiting: () => waiting,
    hasStored: (id) => seenIds.has(id),
    offer,
    addLocal: async (local) => {
      if (journal === undefined) {
        fileAway(local.rollout, (state) => {
          const event = eventOfLocal(state, local)
          return event === undefined ? undefined : { event, asked: local.asked }
        })
      } else {
        waiting = [...waiting, local]
        changed()
      }
      await save()
    },
    tellWaiting,
    close: save,
  }
}

/** Adds the next event of its rollout; one of a kind that a later version writes has its place and changes nothing here. */
function remember(known: Map<string, KnownRollout>, entry: JournalEntry): void {
  const before = known.get(entry.name)
  if (entry.revision !== (before?.state.revision ?? 0) + 1) return
  const event = rolloutEventOf(entry)
  const { revision, actor, reason, at: changedAt } = entry
  const state =
    before === undefined
      ? event === undefined
        ? undefined
        : fold([event])
      : event === undefined
        ? { ...before.state, revision, actor, reason, changedAt }
        : applyEvent(before.state, event)
  if (state === undefined) return
  known.set(entry.name, { state, lastId: entry.id, filed: filedBy(entry) ?? before?.filed })
}

function filedBy(entry: JournalEntry): Filed | undefined {
  const asked = askedBy(entry)
  return asked === undefined ? undefined : { at: entry.at, version: entry.policyVersion, asked }
}
