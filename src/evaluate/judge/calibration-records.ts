import type { CalibrationRecord } from '../../domain/calibration.ts'
import type { Calibration } from './calibration.ts'

/** What is the same for all records of one run. */
type Run = Pick<CalibrationRecord, 'id' | 'calibratedAt' | 'judgeVersion' | 'labelSet' | 'picoUsd'>

/** One run as it is kept: over all labels, and for each task. */
export function calibrationRecords(
  run: Run,
  all: Calibration,
  tasks: ReadonlyMap<string, Calibration>,
): readonly CalibrationRecord[] {
  return [recordOf(run, undefined, all), ...[...tasks].map(([task, found]) => recordOf(run, task, found))]
}

function recordOf(run: Run, task: string | undefined, found: Calibration): CalibrationRecord {
  const { pairs, failed, kappa, kappaInterval, weightedKappa, agreement, swapConsistency, positionBias } = found
  return {
    ...run,
    task,
    pairs,
    failed,
    kappa,
    kappaLow: kappaInterval?.low,
    kappaHigh: kappaInterval?.high,
    weightedKappa,
    agreement,
    swapConsistency,
    positionBias,
    lengthBias: found.lengthBias?.slope,
    isLengthMoved: found.lengthBias?.isLengthMoved,
    confusion: found.confusion,
  }
}
