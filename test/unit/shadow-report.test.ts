import { expect, test } from 'vitest'
import { shadowReport, type VerdictRow } from '../../src/evaluate/report/shadow-report.ts'

const NOTHING = {
  lengths: [],
  calls: [],
  savings: { pairs: 0, meanSavedUsd: undefined, deviationUsd: undefined, meanStableUsd: undefined },
  failures: [],
  worst: [],
  funnel: [],
}

function verdicts(parts: Partial<VerdictRow>): VerdictRow {
  const row = { task: 'unknown', isControl: false, evaluator: 'judge', version: '1', d: undefined, failure: '' }
  return { ...row, pairs: 1, ...parts }
}

test('a report of missing verdicts says why they are missing, the commonest reason first', () => {
  const rows = [
    verdicts({ failure: 'status', pairs: 3 }),
    verdicts({ failure: 'unpriced', pairs: 60 }),
    verdicts({ task: 'coding', failure: 'status', pairs: 2 }),
    verdicts({ d: 0, pairs: 35 }),
  ]
  const { warnings } = shadowReport('cheaper', { ...NOTHING, verdicts: rows }, 0.05)
  expect(warnings).toEqual([
    '65.0 % of the verdicts are missing; 5 % are borne. Why: unpriced 60, status 5.',
    "The judge's model has no price, so it was not asked: give it one in `prices:`.",
  ])
})

test('a report says nothing of prices where none is wanting', () => {
  const rows = [verdicts({ failure: 'budget', pairs: 60 })]
  expect(shadowReport('cheaper', { ...NOTHING, verdicts: rows }, 0.05).warnings).toEqual([
    '100.0 % of the verdicts are missing; 5 % are borne. Why: budget 60.',
  ])
})
