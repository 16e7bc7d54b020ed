import { describe, expect, test } from 'vitest'
import { describeFeatures } from '../../src/config/describe-features.ts'
import { formatFault } from '../../src/config/fault.ts'
import { parseConfig } from '../../src/config/load.ts'
import { AUDIT_TAGS } from '../../src/domain/audit.ts'
import { auditedPicks } from '../../src/domain/feedback/audited-picks.ts'
import { readyShadows } from '../../src/domain/shadow/ready-shadows.ts'
import { isOfShadow } from '../../src/domain/shadow/shadow-switch.ts'
import { extraUsd } from '../../src/shadow/shadow-attempt.ts'
import { type CallFate, requestFate } from '../../src/shadow/request-fate.ts'
import { aPolicy } from '../fakes/a-provider.ts'
import { aShadow } from '../fakes/a-shadow.ts'
import { anAttempt, anExchange, aRequest } from '../fakes/an-exchange.ts'

const FILE = `providers: { openai: { api_key: k } }
judge: { target: openai/judge, budget: { per_hour: 1, per_day: 1 } }
routes:
  two: { match: { model: two }, targets: [{ target: openai/a, weight: 1 }, { target: openai/b, weight: 1 }], fallbacks: [openai/c, 'openai/*'] }
  more: { match: { model: more }, target: openai/a, fallbacks: [openai/b] }
  one: { match: { model: one }, target: openai/a }
`

function read(audit: string, file = FILE) {
  const result = parseConfig(`${file}audits: { x: { ${audit} } }\n`, 'understudy.yaml', {}, '/')
  return 'faults' in result ? result.faults.map(formatFault).join('\n') : result.config.policy
}

describe('a routing audit in the file', () => {
  test('is a shadow of each route that has a choice, to all models that it names, within a budget of its period', () => {
    const policy = read('kind: routing, budget: 2, every: 1h, point_value: 0.001')
    if (typeof policy === 'string') throw new Error(policy)
    expect(policy.audits).toEqual([])
    expect(policy.shadows).toMatchObject([
      {
        name: 'audit:x:two',
        salt: 'audit:x:two',
        sample: 0.02,
        aaShare: 0,
        isEnabled: true,
        budget: { perHour: 2_000_000_000_000n, perDay: 48_000_000_000_000n },
        candidates: [{ key: 'openai/a' }, { key: 'openai/b' }, { key: 'openai/c' }],
        audit: { route: 'two', pointUsd: 0.001 },
      },
      { name: 'audit:x:more', candidates: [{ key: 'openai/a' }, { key: 'openai/b' }] },
    ])
  })

  test("goes by the point value of the route's feedback where it has none of its own", () => {
    const file = FILE.replace('weight: 1 }],', 'weight: 1 }], feedback: { point_value: 0.0005 },')
    const policy = read('kind: routing, routes: two, budget: 2, sample: 5%, enabled: false', file)
    if (typeof policy === 'string') throw new Error(policy)
    expect(policy.shadows).toMatchObject([{ isEnabled: false, sample: 0.05, audit: { pointUsd: 0.0005 } }])
    expect(policy.shadows[0]?.budget).toEqual({ perHour: 2_000_000_000_000n, perDay: 2_000_000_000_000n })
  })

  test.each([
    ['kind: routing, budget: 1', 'expected a point_value above 0'],
    ['kind: routing, budget: 1, point_value: 0.0', 'expected a point_value above 0'],
    ['kind: routing, budget: 1, point_value: 1, every: 90m', 'expected 1h or 24h'],
    ['kind: routing, budget: 1, point_value: 1, routes: one', 'expected routes with at least two models'],
    ['kind: routing, budget: 1, point_value: 1, questions: q.jsonl', 'expected it in an audit of kind golden'],
    ['questions: q.jsonl, budget: 1, sample: 2%', 'expected it in an audit of kind routing'],
    ['budget: 1', 'expected a file of `questions`, or `kind: routing`'],
  ])('is refused where it cannot tell anything: %s', (audit, said) => {
    expect(read(audit)).toContain(said)
  })

  test('needs a judge', () => {
    const file = FILE.replace(/^judge.*\n/m, '')
    expect(read('kind: routing, budget: 1, point_value: 1', file)).toContain('expected a `judge` in this file')
  })
})

test('an audit looks at its own route alone', () => {
  const { decision } = anExchange()
  const of = (route: string) => isOfShadow({ audit: { route, pointUsd: 1 } }, decision)
  expect([of(decision.route), of('another')]).toEqual([true, false])
})

test('the known questions of an audit are no traffic, so no shadow sees them', () => {
  const [trial] = readyShadows({ ...aPolicy([]), shadows: [aShadow()] }).all
  const { controls } = aRequest()
  expect(trial?.mayMatch(aRequest({ controls: { ...controls, tags: { audit: 'nightly' } } }))).toBe(true)
  expect(trial?.mayMatch(aRequest({ controls: { ...controls, tags: AUDIT_TAGS } }))).toBe(false)
})

test.each<[string, readonly CallFate[], CallFate]>([
  ['all compared', [{ failure: undefined }, { failure: undefined }], { failure: undefined }],
  ['one failed', [{ failure: undefined }, { failure: 'timeout' }], { failure: 'timeout' }],
  ['one not made', [{ failure: undefined }, { skipped: 'backed_off' }], { failure: 'not_compared' }],
  ['none made', [{ skipped: 'shutting_down' }, { skipped: 'backed_off' }], { skipped: 'shutting_down' }],
])('a request with several calls is counted once, with the last of them: %s', (_what, fates, expected) => {
  const told: CallFate[] = []
  const tell = requestFate(fates.length, (fate) => void told.push(fate))
  for (const [index, fate] of fates.entries()) {
    expect(told).toHaveLength(0)
    tell(fate)
    expect(told).toHaveLength(index + 1 === fates.length ? 1 : 0)
  }
  expect(told).toEqual([expected])
})

test('what a pick cost that failed is known: nothing, unless its provider may send a bill', () => {
  // anAttempt costs 0.002 USD.
  const unpriced = { kind: 'unpriced', why: 'no_usage' } as const
  const failed = (mayHaveRun: boolean) =>
    anAttempt({ cost: unpriced, outcome: { kind: 'unavailable', error: 'connect_failed', mayHaveRun } })
  expect(extraUsd(anAttempt(), anAttempt())).toBe(0)
  expect(extraUsd(failed(false), anAttempt())).toBe(0.002)
  expect(extraUsd(failed(true), anAttempt())).toBeUndefined()
  expect(extraUsd(anAttempt(), anAttempt({ cost: unpriced }))).toBeUndefined()
})

test('is told of among the audits, not among the shadows', () => {
  const policy = read('kind: routing, routes: two, budget: 2, point_value: 0.001, enabled: false')
  if (typeof policy === 'string') throw new Error(policy)
  const { on, off } = describeFeatures(policy)
  expect(on).toContain('audits audit:x:two (off)')
  expect(off).toContain('shadows')
})

describe('what audited requests tell', () => {
  const coding = { task: 'coding', requests: 60, partial: 3, right: 45, regretUsd: 0.03 }
  const math = { task: 'math', requests: 40, partial: 0, right: 40, regretUsd: 0 }

  test('is how often the pick was the best, with its interval, by task, and what picking the best would have brought', () => {
    const picks = auditedPicks([coding, math], 0.5)
    expect(picks).toMatchObject({ requests: 100, partial: 3, backedShare: 0.5 })
    expect(picks.accuracy?.mean).toBeCloseTo(0.85, 12)
    // Wilson's interval of 85 of 100.
    expect(picks.accuracy?.low).toBeCloseTo(0.7672, 4)
    expect(picks.accuracy?.high).toBeCloseTo(0.9069, 4)
    expect(picks.tasks.map(({ task, mean }) => [task, mean])).toEqual([
      ['coding', 0.75],
      ['math', 1],
    ])
    expect(picks.regretUsd).toBeCloseTo(0.0003, 12)
  })

  test('is nothing where they speak for less than 30 % of the traffic, or nothing has a verdict', () => {
    const nothing = { accuracy: undefined, tasks: [], regretUsd: undefined }
    expect(auditedPicks([coding, math], 0.2999)).toMatchObject({ ...nothing, requests: 100 })
    expect(auditedPicks([{ ...coding, requests: 0, right: 0 }], 1)).toMatchObject({ ...nothing, partial: 3 })
    expect(auditedPicks([], Number.NaN)).toMatchObject(nothing)
    expect(auditedPicks([coding], 0.3).accuracy?.mean).toBe(0.75)
  })
})
