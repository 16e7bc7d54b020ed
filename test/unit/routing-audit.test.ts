import { describe, expect, test } from 'vitest'
import { picksLines } from '../../src/cli/print-picks.ts'
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
import { createDraws } from '../simulation/draws.ts'
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

  test('needs a key of the server for each model that it asks, or it would ask none', () => {
    const file = FILE.replace('openai: { api_key: k }', 'openai: { api_key: k }, groq: {}').replace(
      "fallbacks: [openai/c, 'openai/*']",
      'fallbacks: [groq/c]',
    )
    const audit = 'kind: routing, budget: 1, point_value: 1'
    expect(read(audit, file)).toContain(
      'audits.x: expected providers with an api_key in this file, found none for groq, a target of two: no client pays for an audit',
    )
    expect(read(`${audit}, routes: more`, file)).toMatchObject({ shadows: [{ name: 'audit:x:more' }] })
    expect(read(audit, file.replace('groq: {}', 'groq: { api_key: k }'))).toMatchObject({ shadows: [{}, {}] })
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
  /** Of each unit its requests, right picks and regret in US dollars. */
  const task = (name: string, partial: number, of: readonly (readonly [n: number, r: number, g: number])[]) => {
    const sum = (what: (unit: readonly [number, number, number]) => number): number =>
      of.reduce((all, unit) => all + what(unit), 0)
    return {
      task: name,
      partial,
      requests: sum(([n]) => n),
      right: sum(([, r]) => r),
      regretUsd: sum(([, , g]) => g),
      units: of.length,
      squares: {
        nn: sum(([n]) => n * n),
        rn: sum(([n, r]) => r * n),
        rr: sum(([, r]) => r * r),
        gn: sum(([n, , g]) => g * n),
        gg: sum(([, , g]) => g * g),
      },
    }
  }
  const each = (count: number, unit: readonly [number, number, number]) => Array.from({ length: count }, () => unit)
  const coding = task('coding', 3, [...each(45, [1, 1, 0]), ...each(15, [1, 0, 0.002])])
  const math = task('math', 0, each(40, [1, 1, 0]))

  test('is how often the pick was the best, with its interval, by task, and what picking the best would have brought', () => {
    const picks = auditedPicks([coding, math], 0.5)
    expect(picks).toMatchObject({ requests: 100, partial: 3, units: 100, backedShare: 0.5 })
    expect(picks.accuracy?.mean).toBeCloseTo(0.85, 12)
    // Wilson's interval of 85 of 100.
    expect(picks.accuracy?.low).toBeCloseTo(0.7672, 4)
    expect(picks.accuracy?.high).toBeCloseTo(0.9069, 4)
    expect(picks.tasks.map(({ task: name, mean }) => [name, mean])).toEqual([
      ['coding', 0.75],
      ['math', 1],
    ])
    // A mean of 15 times 0.002 and 85 times nothing, whose standard error is 0.0000718.
    expect(picks.regretUsd?.mean).toBeCloseTo(0.0003, 12)
    expect(picks.regretUsd?.interval?.low).toBeCloseTo(0.0003 - 1.959964 * 0.00007177, 7)
    expect(picks.regretUsd?.interval?.high).toBeCloseTo(0.0003 + 1.959964 * 0.00007177, 7)
  })

  test('is no surer for the many requests of one conversation, that all fare alike', () => {
    const alike = [...each(8, [10, 10, 0]), ...each(2, [10, 0, 0.02])]
    const few = auditedPicks([task('coding', 0, alike)], 1).accuracy
    const independent = auditedPicks([task('coding', 0, [...each(8, [1, 1, 0]), ...each(2, [1, 0, 0.02])])], 1).accuracy
    expect(few).toEqual(independent)
    // Where those of one conversation differ as any others do, each counts.
    const mixed = each(20, [5, 4, 0.002])
    expect(auditedPicks([task('coding', 0, mixed)], 1).accuracy).toEqual(
      auditedPicks([task('coding', 0, [...each(80, [1, 1, 0]), ...each(20, [1, 0, 0.002])])], 1).accuracy,
    )
    // All right, in three conversations: three witnesses, and nothing is known of regret.
    const right = auditedPicks([task('coding', 0, each(3, [10, 10, 0]))], 1)
    expect(right.accuracy?.low).toBeCloseTo(0.4385, 4)
    expect(right.regretUsd).toEqual({ mean: 0, interval: undefined })
    expect(auditedPicks([task('coding', 0, [[9, 8, 0.01]])], 1).accuracy?.low).toBeLessThan(0.2)
  })

  test('covers what is true as often as it says, however alike the requests of a unit are', () => {
    const { unit: draw } = createDraws(4)
    for (const alike of [0, 0.5, 1]) {
      let covered = 0
      for (let run = 0; run < 400; run++) {
        const units = Array.from({ length: 60 }, (): [number, number, number] => {
          const [n, first] = [1 + Math.floor(6 * draw()), draw() < 0.8]
          const right = Array.from({ length: n }, () => (draw() < alike ? first : draw() < 0.8)).filter(Boolean).length
          return [n, right, 0]
        })
        const { low = 1, high = 0 } = auditedPicks([task('any', 0, units)], 1).accuracy ?? {}
        if (low <= 0.8 && high >= 0.8) covered += 1
      }
      // 380 of 400 are expected; three standard deviations fewer are borne.
      expect(covered).toBeGreaterThan(366)
    }
  })

  test('is nothing where they speak for less than 30 % of the traffic, or nothing has a verdict', () => {
    const nothing = { accuracy: undefined, tasks: [], regretUsd: undefined }
    expect(auditedPicks([coding, math], 0.2999)).toMatchObject({ ...nothing, requests: 100 })
    expect(auditedPicks([task('coding', 3, [])], 1)).toMatchObject({ ...nothing, partial: 3 })
    expect(auditedPicks([], Number.NaN)).toMatchObject(nothing)
    expect(auditedPicks([coding], 0.3).accuracy?.mean).toBe(0.75)
  })

  test('is said with its interval and whose the requests were, or with why there is none', () => {
    const said = (rows: Parameters<typeof auditedPicks>[0], share = 1): string =>
      picksLines(auditedPicks(rows, share)).join('\n')
    expect(said([coding])).toMatch(
      /^Picks: 75\.0 % \(95 %: 62\.8 % to 84\.2 %\) of 60 audited requests, which speak for 100\.0 % of the traffic, went to the model worth most\. Regret: 0\.000500 USD a request \(95 %: 0\.00027\d to 0\.00072\d\)\. 3 more lack/,
    )
    expect(said([task('coding', 0, each(3, [10, 9, 0.01]))])).toMatch(
      /of 30 audited requests of 3 conversations or users.* USD a request \(too few to say how sure that is\)/,
    )
    expect(said([math])).toContain('Regret: none was seen.')
    expect(said([coding], 0.1)).toContain(
      'not enough evidence (60 audited requests, which speak for 10.0 % of the traffic, of at least 30.0 %)',
    )
    expect(said([])).toContain('no audited request has a verdict')
  })
})
