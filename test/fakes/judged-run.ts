import { expect } from 'vitest'
import type { Pair } from '../../src/domain/pair.ts'
import { readReportRows } from '../../src/evaluate/report/read-report-rows.ts'
import { shadowReport, type ShadowReport } from '../../src/evaluate/report/shadow-report.ts'
import { aScoreWorker } from './a-score-worker.ts'
import { answeredPair, trueDifference, type RecordedQuestion } from './a-shadow-run.ts'

const BATCH = 100

/** Runs the questions through both models, the worker and the judge. */
export async function judgedPairs(url: string, questions: readonly RecordedQuestion[]): Promise<readonly Pair[]> {
  const { worker, pairs, compare } = aScoreWorker(url, { model: 'judge-exact' })
  for (let from = 0; from < questions.length; from += BATCH) {
    const batch = questions.slice(from, from + BATCH)
    await Promise.all(batch.map(async (question) => compare(await answeredPair(url, question))))
    await worker.idle()
  }
  return pairs
}

/** The report that these pairs make, without any calls or funnel. */
export function reportOf(pairs: readonly Pair[], margin = 0.05): ShadowReport {
  const verdicts = pairs.map(({ task, isControl, evaluator, version, verdict }) => [
    task,
    isControl,
    evaluator,
    version,
    verdict.kind === 'compared' ? verdict.d : null,
    verdict.kind === 'failed' ? verdict.why : '',
    1,
  ])
  const lengths = pairs.flatMap(({ evaluator, isControl, version, verdict, stable, candidate }) =>
    evaluator === 'judge' && !isControl && verdict.kind === 'compared'
      ? [[version, verdict.d, candidate.chars, stable.chars]]
      : [],
  )
  const none = { calls: [], savings: [], failures: [], worst: [], funnel: [] }
  return shadowReport('cheaper', readReportRows({ ...none, verdicts, lengths }), margin)
}

/** What the intervals must hold: the true difference over all, and nine of ten per subject. */
export function expectCovered(
  report: ShadowReport,
  pairs: number,
  all: readonly RecordedQuestion[],
  halfWidth: number,
): void {
  expect(report.evaluator).toBe('judge')
  expect(report.pooled.pairs).toBe(pairs)
  const truth = trueDifference(all)
  expect(report.pooled.low).toBeLessThanOrEqual(truth)
  expect(report.pooled.high).toBeGreaterThanOrEqual(truth)
  expect((report.pooled.high - report.pooled.low) / 2).toBeLessThanOrEqual(halfWidth)
  const covered = report.tasks.filter(({ task, compared }) => {
    const own = trueDifference(all.filter(({ subject }) => subject === task))
    return compared.low <= own && own <= compared.high
  })
  expect(covered.length).toBeGreaterThanOrEqual(0.9 * report.tasks.length)
}
