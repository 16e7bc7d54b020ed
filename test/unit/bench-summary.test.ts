import { expect, it } from 'vitest'
import { BARE, DIRECT } from '../bench/contenders.ts'
import type { Sample } from '../bench/measure.ts'
import { median, renderTable, slopeOf, summarise } from '../bench/summary.ts'

function aSample(changes: Partial<Sample>): Sample {
  return {
    singleP50Ms: 0.1,
    singleP99Ms: 0.2,
    crowdP50Ms: 1,
    crowdP99Ms: 2,
    requestsPerSecond: 1000,
    cpuPerRequestUs: undefined,
    storeCpuPerRequestUs: undefined,
    firstByteP50Ms: 0.3,
    cpuPerChunkUs: undefined,
    rssMb: undefined,
    storeRssMb: undefined,
    faults: 0,
    firstFault: undefined,
    ...changes,
  }
}

it('takes what a proxy adds from the same round of the direct way, then the median over the rounds', () => {
  const direct = [0.1, 0.5, 0.9].map((singleP50Ms) => aSample({ singleP50Ms }))
  const bare = [0.3, 0.6, 1.3].map((singleP50Ms) => aSample({ singleP50Ms, cpuPerRequestUs: 40 }))
  const slow = [0, 1, 2].map((round) => aSample({ cpuPerRequestUs: 50 + round * 10, faults: round }))
  const rows = summarise(
    new Map([
      [DIRECT, { samples: direct, rssBeforeMb: undefined }],
      [BARE, { samples: bare, rssBeforeMb: 80 }],
      ['slow', { samples: slow, rssBeforeMb: 90 }],
    ]),
  )
  expect(rows[1]?.addedSingleP50Ms).toBeCloseTo(0.2)
  expect(rows[2]).toMatchObject({ cpuPerRequestUs: 60, cpuTimesBare: 1.5, faults: 3 })
  expect(renderTable(rows).split('\n')).toHaveLength(5)
})

it('takes the mean of the two middle values of an even number, and nothing from nothing', () => {
  expect(median([4, 1, undefined, 3, 2])).toBe(2.5)
  expect(median([3, 1, 2])).toBe(2)
  expect(median([undefined])).toBeUndefined()
})

it('fits the line of least squares, and has none through a single point', () => {
  expect(slopeOf([1, 3, 5, 7])).toBeCloseTo(2)
  expect(slopeOf([4, 4, 4])).toBe(0)
  expect(slopeOf([0, 10, 0, 10, 0])).toBeCloseTo(0)
  expect(slopeOf([1])).toBeNaN()
})
