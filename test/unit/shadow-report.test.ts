import { describe, expect, test } from 'vitest'
import { printReport } from '../../src/cli/print-report.ts'
import type { VerdictRow } from '../../src/evaluate/report/shadow-findings.ts'
import { shadowReport } from '../../src/evaluate/report/shadow-report.ts'

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
  return { ...row, pairs: 1, redacted: 0, ...parts }
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

describe('with nothing to say a report says why', () => {
  const said = (...funnel: readonly (readonly [stage: string, reason: string, requests: number])[]): string =>
    shadowReport(
      'cheaper',
      { ...NOTHING, verdicts: [], funnel: funnel.map(([stage, reason, requests]) => ({ stage, reason, requests })) },
      0.05,
    ).verdict

  test('no request has matched', () => {
    expect(said()).toContain('no request has matched this shadow')
  })

  test('none was mirrored', () => {
    expect(said(['eligible', '', 40], ['skipped', 'not_sampled', 10], ['skipped', 'budget', 30])).toBe(
      'Nothing yet: of 40 requests that matched none was mirrored (budget 30, not_sampled 10).',
    )
  })

  test('none came to be compared', () => {
    expect(said(['eligible', '', 40], ['mirrored', '', 40], ['failed', 'timeout', 40])).toBe(
      'Nothing yet: of 40 mirrored requests none came to be compared (timeout 40).',
    )
  })
})

test('without a judge a report claims no more than that answers came', () => {
  const rows = [verdicts({ evaluator: 'answered', d: 0, pairs: 2_000 })]
  const { verdict } = shadowReport('cheaper', { ...NOTHING, verdicts: rows }, 0.05)
  expect(verdict).toMatch(
    /^the candidate model answers no less often than the stable model, within 0\.05; how good its answers are is not known/,
  )
  expect(verdict).not.toContain('not worse')
})

test('a verdict names every candidate whose pairs it is about, and a warning how to hear of one', () => {
  const calls = ['worse', 'better', 'worse'].map((model, index) => ({
    task: `task ${index}`,
    side: 'candidate' as const,
    provider: 'openai',
    model,
    calls: 1_000,
    priced: 0,
    observedUsd: undefined,
    listUsd: undefined,
    durationMsP50: undefined,
    durationMsP95: undefined,
    firstTokenMsP50: undefined,
    firstTokenMsP95: undefined,
  }))
  const report = shadowReport('cheaper', { ...NOTHING, verdicts: [verdicts({ d: 0, pairs: 2_000 })], calls }, 0.05)
  expect(report.verdict).toMatch(/^better \+ worse is not worse than the stable model/)
  expect(report.warnings).toEqual([
    'The pairs are of 2 candidates (better, worse), taken together: --candidate PROVIDER/MODEL tells of one.',
  ])
})

test('pairs whose prompt was redacted are told of', () => {
  const rows = [verdicts({ d: 0, pairs: 60, redacted: 12 })]
  expect(shadowReport('cheaper', { ...NOTHING, verdicts: rows }, 0.05).warnings).toEqual([
    '12 of the pairs are redacted: the candidate answered a prompt of which something was taken out.',
  ])
})

test('what is printed says of each loss in which order who was better, and has the funnel in its order', () => {
  const worst = (explanation: string, hasContent = false) => ({
    traceId: 't',
    task: 'math',
    d: -1,
    isConsistent: true,
    explanation,
    hasContent,
  })
  const report = shadowReport(
    'cheaper',
    {
      ...NOTHING,
      verdicts: [verdicts({ d: 0, pairs: 60 })],
      worst: [
        worst('candidate first: second; stable first: first'),
        worst('candidate first: tie; stable first: first'),
        worst('the candidate gave no answer'),
      ],
      funnel: ['compared', 'eligible', 'mirrored', 'skipped'].map((stage) => ({ stage, reason: '', requests: 1 })),
    },
    0.05,
  )
  const printed = printReport(report, 'markdown')
  expect(printed).toContain(
    'without its texts: what was asked and answered is kept where `content` in the config says so',
  )
  const [first, ...others] = report.worst.map((row, index) => ({ ...row, hasContent: index === 0 }))
  if (first === undefined) throw new Error('no loss')
  expect(printReport({ ...report, worst: [first, ...others] }, 'table')).toContain('1 of these with its texts')
  expect(printReport({ ...report, worst: [first] }, 'table')).toContain('(npx understudy trace ID shows the request)')
  expect(printed).toContain('| the stable model is better, in both orders |')
  expect(printed).toContain(
    'candidate read first: neither is better; stable model read first: the stable model is better',
  )
  expect(printed).toContain('| the candidate gave no answer |')
  expect(printed.replaceAll(/[^]*What became/g, '').match(/eligible|skipped|mirrored|compared/g)).toEqual([
    'eligible',
    'skipped',
    'mirrored',
    'compared',
  ])
})
