import { describe, expect, it } from 'vitest'
import type { LoadResult } from '../bench/load-order.ts'
import { rateRow, renderRates, type RateSample } from '../bench/rates.ts'
import { memoryCurve, overdueRows, rateVerdict, rowsFault, type Look, type Sustained } from '../bench/sustained.ts'

const result: LoadResult = {
  answers: 600,
  faults: 0,
  seconds: 60,
  unsent: 0,
  answersBySecond: Array.from({ length: 60 }, () => 10),
}

function aLook(second: number, rows: number, rssMb?: number): Look {
  return { second, rows, rssMb, storeRssMb: undefined }
}

function aRun(changes: Partial<Sustained>): Sustained {
  return {
    ratePerSecond: 10,
    seconds: 60,
    result,
    looks: [],
    rows: 600,
    allRowsAfterMs: 1_000,
    cpuPerRequestUs: undefined,
    storeCpuPerRequestUs: undefined,
    reach: undefined,
    ...changes,
  }
}

describe('rows that are overdue', () => {
  it('are answers older than thirty seconds that are no rows yet, at the worst look', () => {
    const { answersBySecond } = result
    expect(overdueRows(answersBySecond, [aLook(29, 0), aLook(30.9, 0)])).toBe(0)
    expect(overdueRows(answersBySecond, [aLook(31, 9), aLook(40, 95), aLook(50, 200)])).toBe(5)
    expect(overdueRows(answersBySecond, [aLook(45, 150), aLook(95, 599)])).toBe(1)
    expect(overdueRows([], [])).toBe(0)
  })

  it('and rows that never come, or too many, fail a run; none of them does not', () => {
    expect(rowsFault(aRun({}))).toBeUndefined()
    expect(rowsFault(aRun({ looks: [aLook(40, 99)] }))).toMatch(/^1 answers were older than 30 s/)
    expect(rowsFault(aRun({ rows: 599, allRowsAfterMs: undefined }))).toBe(
      '600 answers, 599 rows 30 s after the last of them',
    )
    expect(rowsFault(aRun({ rows: 601 }))).toBe('601 rows of 600 answers')
    expect(rowsFault(aRun({ rows: 601, result: { ...result, faults: 1 } }))).toBeUndefined()
  })
})

describe('the rate', () => {
  it('is reached within a hundredth', () => {
    expect(rateVerdict(aRun({}))).toBe('10 requests/s for 60 s: reached')
    expect(rateVerdict(aRun({ result: { ...result, answers: 594 } }))).toMatch(/: reached$/)
  })

  it('where it is not reached, says whose end it was and the ratio to bare Node at saturation', () => {
    const short = { ...result, answers: 300, unsent: 300 }
    const reach = { directPerSecond: 10, barePerSecond: 8, productPerSecond: 6 }
    const told = rateVerdict(aRun({ result: short, reach }))
    expect(told).toMatch(/not reached, 5\/s answered, 300 never sent; the load alone reaches it\./)
    expect(told).toMatch(/At saturation 6\/s, 0\.75 of bare Node's 8\/s$/)
    expect(rateVerdict(aRun({ result: short, reach: { ...reach, directPerSecond: 9 } }))).toMatch(
      /the load alone reaches 9\/s here/,
    )
  })
})

it('shows the curve of memory, and its slope a minute over the second half', () => {
  const looks = Array.from({ length: 60 }, (_, index) =>
    aLook((index + 1) * 2, 0, index < 30 ? 100 + index : 130 + index * 0.1),
  )
  expect(memoryCurve(looks, 4)).toMatch(/^RSS MB: 100 115 133 135; 3\.00 MB\/min over the second half$/)
  expect(memoryCurve([aLook(1, 0)])).toBe('memory: not enough looks')
})

it('takes medians over rounds of the same arrivals, and adds up what went wrong', () => {
  const sample: RateSample = {
    answersPerSecond: 100,
    p50Ms: 1,
    p99Ms: 2,
    p999Ms: 3,
    maxMs: 4,
    cpuPerRequestUs: undefined,
    unsent: 1,
    faults: 0,
    firstFault: undefined,
  }
  const row = rateRow('x', [
    sample,
    { ...sample, p99Ms: 8, faults: 2, firstFault: 'status 500' },
    { ...sample, p99Ms: 3 },
  ])
  expect(row).toMatchObject({ p99Ms: 3, unsent: 3, faults: 2, firstFault: 'status 500' })
  expect(renderRates([row]).split('\n')).toHaveLength(3)
})
