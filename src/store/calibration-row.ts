import type { CalibrationRecord } from '../domain/calibration.ts'
import { costField, countField, type FieldsOf, textField, timeField, valueField } from './row-fields.ts'

/** Columns of table `calibrations`, in the order of `calibrationRow`. */
export const CALIBRATION_COLUMNS = [
  'calibration_id',
  'calibrated_at',
  'judge_version',
  'task',
  'label_set',
  'pairs',
  'failed',
  'kappa',
  'kappa_low',
  'kappa_high',
  'weighted_kappa',
  'agreement',
  'swap_consistency',
  'position_bias',
  'length_bias',
  'is_length_moved',
  'confusion',
  'cost_usd',
] as const

/** One row of table `calibrations`. */
export function calibrationRow(record: CalibrationRecord): FieldsOf<typeof CALIBRATION_COLUMNS> {
  return [
    record.id,
    timeField(record.calibratedAt),
    textField(record.judgeVersion),
    textField(record.task),
    textField(record.labelSet),
    countField(record.pairs),
    countField(record.failed),
    valueField(record.kappa),
    valueField(record.kappaLow),
    valueField(record.kappaHigh),
    valueField(record.weightedKappa),
    valueField(record.agreement),
    valueField(record.swapConsistency),
    valueField(record.positionBias),
    valueField(record.lengthBias),
    record.isLengthMoved ?? null,
    record.confusion.map((counts) => counts.map(countField)),
    costField(record.picoUsd),
  ]
}
