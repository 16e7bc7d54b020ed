import type { ConfigEvent } from '../domain/changes/config-event.ts'
import { foldChange, type FoldedChanges, NO_CHANGES } from '../domain/changes/fold-changes.ts'
import { entryOfEvent, eventOfEntry, type JournalTable, POLICY_JOURNAL } from '../domain/changes/journal-entry.ts'
import type { Log } from '../domain/ports.ts'
import type { AppliedPolicy, Journal, JournalRow } from './journal.ts'
import type { LiveFile } from './live-file.ts'

/** What is known of the journal, and what it has yet to be told. */
export type ChangeLog = {
  readonly folded: () => FoldedChanges
  /** Changes made here that have no revision yet, oldest first. */
  readonly waiting: () => readonly ConfigEvent[]
  readonly policies: () => readonly AppliedPolicy[]
  readonly add: (event: ConfigEvent) => void
  readonly addPolicy: (policy: AppliedPolicy) => void
  /**
   * Reads what is new and tells what waits. Resolves to whether the store could be asked. One look at a time: whoever calls
   * meanwhile gets one that begins after this one, together with all who did.
   */
  readonly sync: () => Promise<boolean>
  /** Offers `event` for the next revision and reads who has that now. Resolves to whether the store could be asked. */
  readonly offer: (event: ConfigEvent) => Promise<boolean>
}

/** Reads a journal of its own (rollouts, decisions about weights) in the same look as the changes of the policy. */
export type JournalFollower = {
  readonly table: Exclude<JournalTable, 'config_changes'>
  /** Whether there is anything to learn; otherwise it is not asked for. */
  readonly isWanted: () => boolean
  /** The last revision that is known of each name. */
  readonly position: () => Readonly<Record<string, number>>
  /** Gets the rows of its table from there on, the last one known included. */
  readonly take: (rows: readonly JournalRow[]) => void
}

export type ChangeLogOptions = {
  /** Undefined: there is no store, and what is added here is all there is. */
  readonly journal: Journal | undefined
  readonly kept: LiveFile
  readonly followers: readonly JournalFollower[]
  readonly log: Log
  /** What is known has changed. */
  readonly onChange: () => void
}

/** Revisions lost to others in a row, before the rest waits for the next look. */
const MOST_TRIES = 20

export function openChangeLog({ journal, kept, followers, log, onChange }: ChangeLogOptions): ChangeLog {
  let { folded, waiting, policies } = kept
  let looking: Promise<boolean> | undefined
  let nextLook: Promise<boolean> | undefined

  function sync(): Promise<boolean> {
    if (looking === undefined) {
      looking = look().catch((bug: unknown) => {
        log.error('live_changes_failed', { bug })
        return false
      })
      void looking.then(() => (looking = undefined))
      return looking
    }
    nextLook ??= looking.then(() => {
      nextLook = undefined
      return sync()
    })
    return nextLook
  }

  async function look(): Promise<boolean> {
    return journal !== undefined && (await readNew(journal)) && (await tellPolicies(journal)) && (await tellChanges())
  }

  async function readNew(from: Journal): Promise<boolean> {
    const asking = followers.filter(({ isWanted }) => isWanted())
    const others = asking.map(({ table, position }) => [table, position()] as const)
    const read = await from.since({
      ...Object.fromEntries(others),
      config_changes: { [POLICY_JOURNAL]: folded.revision },
    })
    if (read.kind === 'unavailable') return false
    for (const { table: followed, take } of asking) take(read.value.filter(({ table }) => table === followed))
    const rows = read.value.filter(({ table, name }) => table === 'config_changes' && name === POLICY_JOURNAL)
    if (folded.revision > 0 && !rows.some(({ id }) => id === folded.lastId)) {
      log.warn('live_changes_restarted', { revision: folded.revision, detail: 'The journal is another one now.' })
      folded = NO_CHANGES
      return readNew(from)
    }
    takeRows(rows)
    return true
  }

  function takeRows(rows: readonly JournalRow[]): void {
    const fresh = rows.filter(({ revision }) => revision > folded.revision)
    for (const row of fresh) {
      const event = eventOfEntry(row)
      // Of a kind that a later version writes: it has its place in the order, and changes nothing here.
      if (event === undefined) folded = { ...folded, revision: row.revision, lastId: row.id }
      else folded = foldChange(folded, event)
    }
    const told = new Set(fresh.map(({ id }) => id))
    waiting = waiting.filter(({ id }) => !told.has(id))
    if (fresh.length > 0) onChange()
  }

  async function tellPolicies(to: Journal): Promise<boolean> {
    for (const policy of policies) {
      if ((await to.recordPolicy(policy)).kind === 'unavailable') return false
      policies = policies.filter((each) => each !== policy)
    }
    return true
  }

  async function tellChanges(): Promise<boolean> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const [event] = waiting
      if (event === undefined) return true
      if (!(await offer(event))) return false
    }
    return true
  }

  async function offer(event: ConfigEvent): Promise<boolean> {
    if (journal === undefined) return false
    const sent = await journal.append('config_changes', entryOfEvent(event, folded.revision + 1))
    return sent.kind === 'sent' && readNew(journal)
  }

  return {
    folded: () => folded,
    waiting: () => waiting,
    policies: () => policies,
    add: (event) => {
      if (journal === undefined) folded = foldChange(folded, { ...event, revision: folded.revision + 1 })
      else waiting = [...waiting, event]
      onChange()
    },
    addPolicy: (policy) => {
      if (journal !== undefined) policies = [...policies, policy]
    },
    sync,
    offer,
  }
}
