import type { KeptReading } from '../domain/kept-reading.ts'
import type { EpochMs } from '../domain/units.ts'
import { type FieldsOf, textField, timeField } from './row-fields.ts'

/** Columns of table `proxy_readings`, in the order of `readingRow`. */
export const READING_COLUMNS = ['at', 'instance', 'reading', 'subject', 'detail', 'value'] as const

/** One row of table `proxy_readings`. */
export function readingRow(
  at: EpochMs,
  { reading, subject, detail, value }: KeptReading,
  instance: string,
): FieldsOf<typeof READING_COLUMNS> {
  return [timeField(at), instance, reading, textField(subject), textField(detail), value]
}
