import { ATTEMPT_COLUMNS } from './attempt-row.ts'
import { CONTENT_COLUMNS } from './content-row.ts'
import { FUNNEL_COLUMNS } from './funnel-row.ts'
import type { SpooledTable } from './insert.ts'
import { PAIR_COLUMNS } from './pair-row.ts'
import { READING_COLUMNS } from './reading-row.ts'
import { SCORE_COLUMNS } from './score-row.ts'
import { TRACE_COLUMNS } from './trace-row.ts'

/** Columns of the rows that are spooled, in the order of their fields. */
export const SPOOLED_COLUMNS: Readonly<Record<SpooledTable, readonly string[]>> = {
  traces: TRACE_COLUMNS,
  attempts: ATTEMPT_COLUMNS,
  contents: CONTENT_COLUMNS,
  scores: SCORE_COLUMNS,
  pairs: PAIR_COLUMNS,
  shadow_funnel: FUNNEL_COLUMNS,
  proxy_readings: READING_COLUMNS,
}
