import type { EpochMs } from '../domain/units.ts'
import type { SpooledTable } from './insert.ts'

/** A row that the store will never take, and why. */
export type RefusedRow = {
  readonly at: EpochMs
  readonly table: SpooledTable
  readonly reason: string
  /** The row as it was spooled, without its newline. Not always JSON, not always UTF-8. */
  readonly row: Buffer
}

/** Long enough for a server's explanation, too short for it to bury the row that it explains. */
const MAX_REASON_CHARACTERS = 2000

/** The row of table `quarantine` that keeps a refused row: one line of NDJSON, newline included. */
export function quarantineRow({ at, table, reason, row }: RefusedRow): Buffer {
  const kept = {
    ts: new Date(at).toISOString(),
    table_name: table,
    reason: reason.slice(0, MAX_REASON_CHARACTERS),
    row: row.toString('utf8'),
  }
  return Buffer.from(`${JSON.stringify(kept)}\n`)
}
