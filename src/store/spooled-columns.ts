import { ATTEMPT_COLUMNS } from './attempt-row.ts'
import type { SpooledTable } from './insert.ts'
import { TRACE_COLUMNS } from './trace-row.ts'

/** Columns of the rows that the request path writes, in the order of their fields. */
export const SPOOLED_COLUMNS: Readonly<Record<SpooledTable, readonly string[]>> = {
  traces: TRACE_COLUMNS,
  attempts: ATTEMPT_COLUMNS,
}
