import type { EpochMs } from '../domain/units.ts'
import type { SpooledTable } from './insert.ts'
import { namedRows, readableRow } from './named-rows.ts'

/** A row that the store will never take, and why. */
export type RefusedRow = {
  readonly at: EpochMs
  readonly table: SpooledTable
  readonly reason: string
  /** The names of its columns and the row, each as spooled. Not always JSON, not always UTF-8. */
  readonly names: Buffer
  readonly row: Buffer
}

/** Long enough for a server's explanation, too short for it to bury the row that it explains. */
const MAX_REASON_CHARACTERS = 2000

/** What is kept of a refused row: as named rows for table `quarantine`, and as a JSON object for a file. */
export function quarantineRow({ at, table, reason, names, row }: RefusedRow): { rows: Buffer; json: Buffer } {
  const kept = {
    ts: new Date(at).toISOString(),
    table_name: table,
    reason: reason.slice(0, MAX_REASON_CHARACTERS),
    row: readableRow(names.toString('utf8'), row.toString('utf8')),
  }
  return {
    rows: Buffer.from(namedRows(Object.keys(kept), Object.values(kept))),
    json: Buffer.from(`${JSON.stringify(kept)}\n`),
  }
}
