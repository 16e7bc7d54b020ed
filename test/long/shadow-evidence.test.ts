import { describe, expect, test } from 'vitest'
import { recordedModels, recordedQuestions } from '../fakes/a-shadow-run.ts'
import { aSimulator } from '../fakes/a-simulator.ts'
import { judgePromises } from '../fakes/judge-promises.ts'
import { expectCovered, judgedPairs, reportOf } from '../fakes/judged-run.ts'

const PAIRS = 2_000
const all = recordedQuestions()
const run = all.slice(0, PAIRS)

describe('2,000 recorded outcomes', () => {
  const simulator = aSimulator(recordedModels(run))
  test('the interval covers the true difference within .05 either way, and those of nine subjects of ten theirs', async () => {
    const report = reportOf(await judgedPairs(simulator().url, run))
    expectCovered(report, run.length, all, 0.05)
    expect(report.verdict).toContain('is worse than')
  })
})

describe('2,000 pairs', () => {
  const simulator = aSimulator()
  judgePromises(() => simulator().url, PAIRS, 0.03)
})
