import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../config/config-file.ts'
import { writeAtomically } from '../config/write-atomically.ts'
import type { ConfigEvent, StoredEvent } from '../domain/changes/config-event.ts'
import { type FoldedChanges, NO_CHANGES } from '../domain/changes/fold-changes.ts'
import { entryOfEvent, eventOfEntry, type JournalEntry } from '../domain/changes/journal-entry.ts'
import type { AppliedPolicy } from './journal.ts'

/** What an instance knows of live changes when it starts without the store. */
export type LiveFile = {
  readonly folded: FoldedChanges
  /** Changes that the store has not been told of yet. */
  readonly waiting: readonly ConfigEvent[]
  /** Policies likewise. */
  readonly policies: readonly AppliedPolicy[]
  /** Ids of the changes that counted here when this was written. */
  readonly inForce: readonly string[]
}

export const EMPTY_LIVE_FILE: LiveFile = { folded: NO_CHANGES, waiting: [], policies: [], inForce: [] }

/** Reads what `writeLiveFile` left; undefined where it holds something else, empty where there is no file. */
export async function readLiveFile(path: string): Promise<LiveFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? EMPTY_LIVE_FILE : undefined
  }
  return parseLiveFile(text)
}

/** Resolves to the operating system's code of what went wrong; undefined when it is written. Mode 0600. */
export async function writeLiveFile(path: string, file: LiveFile): Promise<string | undefined> {
  const { folded, waiting, policies, inForce } = file
  const text = JSON.stringify({
    revision: folded.revision,
    lastId: folded.lastId,
    latest: [...folded.latest.values()].map((event) => entryOfEvent(event, event.revision)),
    waiting: waiting.map((event) => entryOfEvent(event, 0)),
    policies,
    inForce,
  })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(() => undefined) // writing tells why it cannot be
  const written = await writeAtomically(path, Buffer.from(`${text}\n`), 'new')
  return written.kind === 'written' ? undefined : written.code
}

function parseLiveFile(text: string): LiveFile | undefined {
  const value = parseJson(text)
  if (!isRecord(value) || typeof value['revision'] !== 'number' || typeof value['lastId'] !== 'string') return undefined
  const latest = eventsIn(value['latest'])
  const waiting = eventsIn(value['waiting'])
  const policies = listOf(value['policies'], policyOf)
  const inForce = listOf(value['inForce'], (id) => (typeof id === 'string' ? id : undefined))
  if (latest === undefined || waiting === undefined || policies === undefined || inForce === undefined) return undefined
  return {
    folded: {
      revision: value['revision'],
      lastId: value['lastId'],
      latest: new Map(latest.map((event) => [event.change.route, event])),
    },
    waiting: waiting.map(({ revision: _none, ...event }) => event),
    policies,
    inForce,
  }
}

function eventsIn(value: unknown): readonly StoredEvent[] | undefined {
  return listOf(value, (item) => {
    const entry = entryOf(item)
    return entry === undefined ? undefined : eventOfEntry(entry)
  })
}

/** Undefined where one of the items is. */
function listOf<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.map(read)
  return items.every((item) => item !== undefined) ? items : undefined
}

function entryOf(value: unknown): JournalEntry | undefined {
  if (!isRecord(value)) return undefined
  const text = (name: string): string => (typeof value[name] === 'string' ? value[name] : '')
  const number = (name: string): number => (typeof value[name] === 'number' ? value[name] : 0)
  return {
    name: text('name'),
    revision: number('revision'),
    id: text('id'),
    at: number('at'),
    instance: text('instance'),
    actor: text('actor'),
    reason: text('reason'),
    policyVersion: text('policyVersion'),
    kind: text('kind'),
    subject: text('subject'),
    before: text('before'),
    after: text('after'),
    details: text('details'),
  }
}

function policyOf(value: unknown): AppliedPolicy | undefined {
  if (!isRecord(value)) return undefined
  const { version, appliedAt, instance, text } = value
  const variables = listOf(value['variables'], (name) => (typeof name === 'string' ? name : undefined))
  if (typeof version !== 'string' || typeof appliedAt !== 'number') return undefined
  if (typeof instance !== 'string' || typeof text !== 'string' || variables === undefined) return undefined
  return { version, appliedAt, instance, variables, text }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
