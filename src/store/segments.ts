import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { EpochMs, RequestId } from '../domain/units.ts'
import type { SpooledTable } from './insert.ts'

export const SPOOLED_TABLES: readonly SpooledTable[] = [
  'traces',
  'attempts',
  'contents',
  'scores',
  'pairs',
  'shadow_funnel',
  'proxy_readings',
]

/** A count of rows per spooled table. */
export type PerTable = Readonly<Record<SpooledTable, number>>

/** A value for each spooled table. */
export function forEachTable<T>(value: (table: SpooledTable) => T): Record<SpooledTable, T> {
  return {
    traces: value('traces'),
    attempts: value('attempts'),
    contents: value('contents'),
    scores: value('scores'),
    pairs: value('pairs'),
    shadow_funnel: value('shadow_funnel'),
    proxy_readings: value('proxy_readings'),
  }
}

/** No rows of any table, to be counted up. */
export function noRows(): Record<SpooledTable, number> {
  return forEachTable(() => 0)
}

/**
 * A closed file that waits to be stored: the names of the columns on the first line, then a row on each (see
 * `named-rows.ts`). Nothing is ever added to it.
 */
export type Segment = {
  /** UUIDv7 given when the segment was opened: its age, its place in the queue and its deduplication token. */
  readonly id: RequestId
  readonly table: SpooledTable
  readonly path: string
  /** Rows in the file, by its name. */
  readonly rows: number
  /** Of these, how many an earlier process had settled before it ended. */
  readonly settledRows: number
  readonly bytes: number
}

/** What a segment file holds. */
export type SegmentContent = {
  /** The names of the columns and all whole rows, as they were written: what is sent. */
  readonly whole: Buffer
  /** Length of the first line of `whole`, newline included. */
  readonly namesLength: number
  /** The bytes after the last newline: what a kill or a power cut left of a row, or of the names. */
  readonly tornTail: Buffer
}

const NEWLINE = 10

/** `<dir>/<table>/<id>.open`: being written; after a crash it may end in the middle of a row. */
export function openPath(dir: string, table: SpooledTable, id: RequestId): string {
  return join(dir, table, `${id}.open`)
}

/** `<dir>/<table>/<id>.<rows>.ndjson`: closed. The name holds the row count so that a start need not read the file. */
export function closedPath(dir: string, table: SpooledTable, id: RequestId, rows: number): string {
  return join(dir, table, `${id}.${rows}.ndjson`)
}

/** `<dir>/<table>/<id>.progress`: what became of the parts of a segment that was refused as a whole. */
export function progressPath(dir: string, table: SpooledTable, id: RequestId): string {
  return join(dir, table, `${id}.progress`)
}

/** When a segment was opened, from the first 48 bits of its UUIDv7; undefined for any other kind of name. */
export function openedAt(id: RequestId): EpochMs | undefined {
  const milliseconds = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}

/** Reads a segment file. One that is gone is empty. Rejects when the disk cannot be read. */
export async function readSegment(path: string): Promise<SegmentContent> {
  const bytes = await readIfThere(path)
  const end = bytes.lastIndexOf(NEWLINE) + 1
  return {
    whole: bytes.subarray(0, end),
    namesLength: bytes.indexOf(NEWLINE) + 1,
    tornTail: bytes.subarray(end),
  }
}

/** Offsets at which the rows of a segment begin, and after the last of them its length: row n is [n, n + 1). */
export function rowOffsets({ whole, namesLength }: SegmentContent): number[] {
  return lineOffsets(whole, namesLength)
}

/** How many whole lines there are in `bytes`. */
export function countLines(bytes: Buffer): number {
  return lineOffsets(bytes, 0).length - 1
}

function lineOffsets(bytes: Buffer, from: number): number[] {
  const offsets = [from]
  for (let end = bytes.indexOf(NEWLINE, from); end >= 0; end = bytes.indexOf(NEWLINE, end + 1)) offsets.push(end + 1)
  return offsets
}

/** The bytes of a file, none if there is no such file. Rejects when the disk cannot be read. */
export async function readIfThere(path: string): Promise<Buffer> {
  const file = await openIfThere(path)
  if (file === undefined) return Buffer.alloc(0)
  try {
    // One read into one buffer: readFile goes in steps of 512 KB and copies them together, on the event loop.
    const { size } = await file.stat()
    const bytes = Buffer.allocUnsafeSlow(size)
    let filled = 0
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
