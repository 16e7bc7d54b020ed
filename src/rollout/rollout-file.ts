import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../config/config-file.ts'
import { writeAtomically } from '../config/write-atomically.ts'
import type { LocalChange } from '../domain/rollout/local-change.ts'
import { isRecord, parseJson } from '../domain/rollout/read-json.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import { readChange, readRolloutState } from '../domain/rollout/stored-event.ts'
import type { EpochMs, RequestId } from '../domain/units.ts'

/** A rollout as the journal has it, and the id of its last event. */
export type KnownRollout = {
  readonly state: RolloutState
  readonly lastId: RequestId
  /** The last event that the file caused; undefined: it never did. */
  readonly filed: Filed | undefined
}

/** When a file caused an event, which one, and what it asked for. */
export type Filed = { readonly at: EpochMs; readonly version: string; readonly asked: string }

/** What an instance knows of rollouts when it starts without the store. */
export type RolloutFile = {
  readonly known: readonly KnownRollout[]
  /** Changes that the store has not been told of yet. */
  readonly waiting: readonly LocalChange[]
}

export const EMPTY_ROLLOUT_FILE: RolloutFile = { known: [], waiting: [] }

/** Reads what `writeRolloutFile` left; undefined where it holds something else, empty where there is no file. */
export async function readRolloutFile(path: string): Promise<RolloutFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? EMPTY_ROLLOUT_FILE : undefined
  }
  const value = parseJson(text)
  if (!isRecord(value)) return undefined
  const known = listOf(value['known'], knownOf)
  const waiting = listOf(value['waiting'], localOf)
  return known === undefined || waiting === undefined ? undefined : { known, waiting }
}

/** `text`: a `RolloutFile` as JSON. Resolves to the operating system's code of what went wrong; undefined when it is written. */
export async function writeRolloutFile(path: string, text: string): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(() => undefined) // writing tells why it cannot be
  const written = await writeAtomically(path, Buffer.from(`${text}\n`), 'new')
  return written.kind === 'written' ? undefined : written.code
}

function knownOf(value: unknown): KnownRollout | undefined {
  if (!isRecord(value)) return undefined
  const state = readRolloutState(value['state'])
  const { lastId } = value
  if (state === undefined || typeof lastId !== 'string') return undefined
  return { state, lastId, filed: filedOf(value['filed']) }
}

function filedOf(value: unknown): Filed | undefined {
  if (!isRecord(value)) return undefined
  const { at, version, asked } = value
  if (typeof at !== 'number' || typeof version !== 'string' || typeof asked !== 'string') return undefined
  return { at, version, asked }
}

function localOf(value: unknown): LocalChange | undefined {
  if (!isRecord(value)) return undefined
  const change = readChange(value['change'])
  const { id, rollout, at, actor, reason, epoch, asked, decision } = value
  if (change === undefined || typeof id !== 'string' || typeof rollout !== 'string') return undefined
  if (typeof at !== 'number' || typeof epoch !== 'number') return undefined
  if (typeof actor !== 'string' || typeof reason !== 'string') return undefined
  const optional = (text: unknown): string | undefined => (typeof text === 'string' ? text : undefined)
  return { id, rollout, at, actor, reason, change, epoch, asked: optional(asked), decision: optional(decision) }
}

/** Undefined where one of the items is. */
function listOf<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.map(read)
  return items.every((item) => item !== undefined) ? items : undefined
}
