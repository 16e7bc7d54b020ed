import type { KeepCalibrations } from '../domain/calibration.ts'
import { CALIBRATION_COLUMNS, calibrationRow } from './calibration-row.ts'
import type { StoreClient } from './client.ts'
import { namedRows } from './named-rows.ts'
import { openSendRows } from './send-rows.ts'

/** Keeps calibrations in ClickHouse; the same run sent twice is kept once. */
export function openKeepCalibrations(client: () => StoreClient | undefined): KeepCalibrations {
  const send = openSendRows(client)
  return async (records) => {
    const [first] = records
    if (first === undefined) return { kind: 'kept' }
    const sent = await send('calibrations', namedRows(CALIBRATION_COLUMNS, ...records.map(calibrationRow)), first.id)
    return sent.kind === 'sent' ? { kind: 'kept' } : sent
  }
}
