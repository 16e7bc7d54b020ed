import type { RecordReadings } from '../domain/kept-reading.ts'
import { readingRow } from './reading-row.ts'
import { rowLine } from './row-fields.ts'
import type { Spool } from './spool.ts'

/**
 * Readings go the way of all rows, through the spool: while ClickHouse is away they wait on the disk, under the cap of
 * all rows, and tell afterwards how the backlog grew. A spool that does not drain holds back its own readings as well,
 * which is how others see that it does not.
 */
export function createReadingRecorder(spool: Spool, instance: string): RecordReadings {
  return (at, readings) => {
    // JSON knows neither NaN nor infinity, and nobody draws them.
    const known = readings.filter(({ value }) => Number.isFinite(value))
    if (known.length === 0) return
    spool.append(
      known.map((reading) => ({ table: 'proxy_readings', line: rowLine(readingRow(at, reading, instance)) })),
      () => undefined,
    )
  }
}
