import { mkdir, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { SpooledTable } from './insert.ts'
import { readProgress } from './progress.ts'
import {
  closedPath,
  openPath,
  progressPath,
  readSegment,
  rowOffsets,
  SPOOLED_TABLES,
  type Segment,
} from './segments.ts'

const CLOSED = /^([^.]+)\.(\d+)\.ndjson$/

/**
 * The segments that earlier processes left in `dir`, oldest first. Those that were still open are closed as they are;
 * `tornTails`: how many of these end in the middle of a row. Nothing is written but names, so that a start needs no
 * room on the disk. Safe to interrupt: done again, it does the same.
 */
export async function recoverSegments(dir: string): Promise<{ segments: Segment[]; tornTails: number }> {
  const segments: Segment[] = []
  let tornTails = 0
  for (const table of SPOOLED_TABLES) {
    await mkdir(join(dir, table), { recursive: true, mode: 0o700 })
    for (const name of await readdir(join(dir, table))) {
      if (name.endsWith('.open') && (await closeLeftover(dir, table, basename(name, '.open')))) tornTails += 1
    }
    const names = await readdir(join(dir, table))
    for (const name of names) {
      const [, id, rows] = CLOSED.exec(name) ?? []
      if (id !== undefined) segments.push(await closedSegment(dir, table, id, Number(rows)))
    }
    const waiting = new Set(segments.map((segment) => segment.id))
    for (const name of names) {
      // Left by a crash between the removal of a settled segment and of its progress.
      if (name.endsWith('.progress') && !waiting.has(basename(name, '.progress'))) await unlink(join(dir, table, name))
    }
  }
  return { segments: segments.sort((a, b) => (a.id < b.id ? -1 : 1)), tornTails }
}

/**
 * Closes a segment whose process died; one that holds no more than the names of columns, or a piece of them, goes.
 * True when it ends in the middle of a row: who sends it cuts it there.
 */
async function closeLeftover(dir: string, table: SpooledTable, id: string): Promise<boolean> {
  const path = openPath(dir, table, id)
  const content = await readSegment(path)
  const rows = rowOffsets(content).length - 1
  const isTorn = content.namesLength > 0 && content.tornTail.length > 0
  if (rows === 0 && !isTorn) await unlink(path)
  else await rename(path, closedPath(dir, table, id, rows))
  return isTorn
}

async function closedSegment(dir: string, table: SpooledTable, id: string, rows: number): Promise<Segment> {
  const path = closedPath(dir, table, id, rows)
  const progress = await readProgress(progressPath(dir, table, id))
  const { size } = await stat(path)
  return { id, table, path, rows, settledRows: progress.settledRows(), bytes: size }
}
