import { asRecord, countOf, nameOf } from '../dialects/json-value.ts'
import type { CalibrationRecord } from '../domain/calibration.ts'
import { jsonBody } from './json-body.ts'
import type { AdminPorts } from './ports.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'

/** Tasks of one run: what labels name is the operator's own. */
const MOST_RECORDS = 1_000

/**
 * `POST /admin/calibrations`, the body `{"calibrations": […]}`, the records of one run as `npx understudy judge calibrate`
 * makes them: 200 `{"kept": n}` when they are stored, 503 while ClickHouse is away. The same run sent again is kept once.
 */
export function keepCalibrations(ports: AdminPorts): Handler {
  return async (request) => {
    const read = jsonBody(request)
    if ('refused' in read) return read.refused
    const sent = asRecord(read.value)?.['calibrations']
    const records = Array.isArray(sent) && sent.length <= MOST_RECORDS ? sent.map(readCalibration) : []
    const whole = records.filter((record) => record !== undefined)
    if (whole.length === 0 || whole.length < records.length) {
      return errorReply(400, 'bad_request', 'Expected {"calibrations": […]} with the records of one calibration.')
    }
    const kept = await ports.keepCalibrations(whole)
    if (kept.kind === 'kept') return { status: 200, json: { kept: whole.length } }
    return errorReply(503, 'store_unavailable', `Nothing was kept: ${kept.detail}`, { 'retry-after': '5' })
  }
}

/** Undefined for what is none. */
function readCalibration(value: unknown): CalibrationRecord | undefined {
  const row = asRecord(value)
  const id = nameOf(row?.['id'])
  const judgeVersion = nameOf(row?.['judgeVersion'])
  const labelSet = nameOf(row?.['labelSet'])
  const [calibratedAt, pairs, failed] = [row?.['calibratedAt'], countOf(row?.['pairs']), countOf(row?.['failed'])]
  const confusion = readConfusion(row?.['confusion'])
  if (row === undefined || id === undefined || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)) return undefined
  if (typeof calibratedAt !== 'number' || !(calibratedAt >= 0 && calibratedAt < 1e14)) return undefined
  if (judgeVersion === undefined || labelSet === undefined || confusion === undefined) return undefined
  if (pairs === undefined || failed === undefined || failed > pairs) return undefined
  const numberOf = (name: string): number | undefined => {
    const found = row[name]
    return typeof found === 'number' && Math.abs(found) <= 100 ? found : undefined
  }
  const isLengthMoved = row['isLengthMoved']
  const picoUsd = row['picoUsd']
  return {
    id,
    calibratedAt,
    judgeVersion,
    task: nameOf(row['task']),
    labelSet,
    pairs,
    failed,
    kappa: numberOf('kappa'),
    kappaLow: numberOf('kappaLow'),
    kappaHigh: numberOf('kappaHigh'),
    weightedKappa: numberOf('weightedKappa'),
    agreement: numberOf('agreement'),
    swapConsistency: numberOf('swapConsistency'),
    positionBias: numberOf('positionBias'),
    lengthBias: numberOf('lengthBias'),
    isLengthMoved: typeof isLengthMoved === 'boolean' ? isLengthMoved : undefined,
    confusion,
    picoUsd: typeof picoUsd === 'string' && /^\d{1,18}$/.test(picoUsd) ? BigInt(picoUsd) : undefined,
  }
}

/** Three rows of three counts. */
function readConfusion(value: unknown): CalibrationRecord['confusion'] | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined
  const rows = value.map((row: unknown) => (Array.isArray(row) && row.length === 3 ? row.map(countOf) : []))
  const counts = rows.map((row) => row.filter((count) => count !== undefined))
  return counts.every((row) => row.length === 3) ? counts : undefined
}
