import { expect, test } from 'vitest'
import { recordedModels, recordedQuestions } from '../fakes/a-shadow-run.ts'
import { aSimulator } from '../fakes/a-simulator.ts'
import { expectCovered, judgedPairs, reportOf } from '../fakes/judged-run.ts'

const all = recordedQuestions()
const run = all.slice(0, 300)
const simulator = aSimulator(recordedModels(run))

test('recorded outcomes: the interval covers the true difference, over all and for nine subjects of ten', async () => {
  const report = reportOf(await judgedPairs(simulator().url, run))
  expectCovered(report, run.length, all, 0.13)
  expect(report.verdict).toMatch(/^weak|^Inconclusive|^the candidate model/)
})
