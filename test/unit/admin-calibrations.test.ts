import { expect, test } from 'vitest'
import type { CalibrationRecord, Kept } from '../../src/domain/calibration.ts'
import { ask } from '../fakes/ask.ts'
import { openAdmin } from '../fakes/open-admin.ts'

const ID = '019aa000-0000-7000-8000-000000000001'
const record = {
  id: ID,
  calibratedAt: 1_790_000_000_000,
  judgeVersion: 'judge/pairwise-1/abc',
  labelSet: '0123456789abcdef',
  pairs: 10,
  failed: 1,
  kappa: 0.7,
  confusion: [
    [1, 0, 0],
    [0, 5, 0],
    [0, 0, 3],
  ],
  picoUsd: '1500',
}

async function send(body: unknown, kept: Kept = { kind: 'kept' }, type = 'application/json') {
  const got: CalibrationRecord[] = []
  const keepCalibrations = async (records: readonly CalibrationRecord[]): Promise<Kept> => {
    got.push(...records)
    return kept
  }
  const { port } = await openAdmin({ keepCalibrations })
  const headers = { 'content-type': type }
  const answer = await ask(port, '/admin/calibrations', { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: answer.status, got }
}

test('the records of a calibration are kept as they were sent', async () => {
  const { status, got } = await send({ calibrations: [record, { ...record, task: 'math', isLengthMoved: true }] })
  expect(status).toBe(200)
  expect(got).toMatchObject([
    { ...record, task: undefined, weightedKappa: undefined, isLengthMoved: undefined, picoUsd: 1_500n },
    { task: 'math', isLengthMoved: true },
  ])
})

test.each([
  ['nothing', {}],
  ['no records', { calibrations: [] }],
  ['an id that is none', { calibrations: [{ ...record, id: "'; DROP" }] }],
  ['more failures than pairs', { calibrations: [{ ...record, failed: 11 }] }],
  ['a confusion of two', { calibrations: [{ ...record, confusion: [[1, 2]] }] }],
  ['a count below nothing', { calibrations: [{ ...record, pairs: -1 }] }],
  ['one good and one bad', { calibrations: [record, 'x'] }],
])('%s is refused as a whole', async (_, body) => {
  expect(await send(body)).toEqual({ status: 400, got: [] })
})

test('another type of content is refused, and an outage is told', async () => {
  expect(await send({ calibrations: [record] }, undefined, 'text/plain')).toEqual({ status: 415, got: [] })
  expect((await send({ calibrations: [record] }, { kind: 'unavailable', detail: 'away' })).status).toBe(503)
})
