import { describe, expect, test } from 'vitest'
import { grownSince, funnelIn } from '../../src/cli/funnel-counts.ts'
import { findingsText, type RouteFindings } from '../../src/cli/routing-findings.ts'
import { auditedPicks } from '../../src/domain/feedback/audited-picks.ts'

const picks = auditedPicks(
  [
    {
      task: 'math',
      requests: 40,
      partial: 0,
      right: 30,
      regretUsd: 0.02,
      units: 40,
      squares: { nn: 40, rn: 30, rr: 30, gn: 0.02, gg: 0.00004 },
    },
  ],
  1,
)
const found: RouteFindings = {
  route: 'chat',
  eligible: 60,
  mirrored: 42,
  compared: 40,
  skipped: { not_sampled: 6, budget: 12, files: 0 },
  failed: { timeout: 2 },
  picks,
}
const nothing = { ...found, mirrored: 0, compared: 0, failed: {}, picks: auditedPicks([], Number.NaN) }

describe('what a routing audit prints', () => {
  test('says what became of all requests, the commonest reason first, and what was picked', () => {
    const text = findingsText('picks', [found], 'table')
    expect(text).toContain(
      'chat: 40 requests answered by every model, of 42 put to all and 60 that came. Left out: budget 12, not_sampled 6. Not answered by all: timeout 2.',
    )
    expect(text).toMatch(/Picks: 75\.0 % .* of 40 audited requests/)
  })

  test.each([
    [{ budget: 9 }, 'its budget is spent'],
    [{ not_sampled: 60 }, 'wants a larger `sample`'],
    [{ unpriced: 3 }, 'give it one in `prices`'],
    [{ no_key: 3 }, 'want an api_key'],
  ])('says what can be done where nothing was audited: %j', (skipped, advice) => {
    expect(findingsText('picks', [{ ...nothing, skipped }], 'table')).toContain(advice)
    expect(findingsText('picks', [{ ...found, skipped }], 'table')).not.toContain(advice)
  })

  test('tells no traffic, no verdicts, and what other proxies have audited apart', () => {
    expect(findingsText('picks', [{ ...nothing, eligible: 0 }], 'table')).toBe(
      'chat: no request took this route in that time.',
    )
    const unjudged = findingsText('picks', [{ ...found, picks: nothing.picks }], 'table')
    expect(unjudged).toContain('no answer has a verdict yet. The judge has a budget of its own')
    expect(findingsText('picks', [{ ...nothing, eligible: 0, picks }], 'table')).toContain('Picks: 75.0 %')
  })

  test('is a section in Markdown, and the whole in JSON', () => {
    const text = findingsText('picks', [found], 'markdown')
    expect(text).toMatch(/^## Routing audit picks\n\nchat: 40/)
    expect(text).toContain('\n\n| task | right picks [95 %] |')
    expect(JSON.parse(findingsText('picks', [found], 'json'))).toEqual({ audit: 'picks', routes: [found] })
  })
})

test('what came between two looks counts, and after a restart all that has come since', () => {
  const look = (eligible: number, budget: number) =>
    funnelIn({
      funnel: { eligible, mirrored: eligible - budget, compared: 1, skipped: { budget }, failed: {} },
    })
  expect(grownSince(look(10, 4), look(15, 6))).toEqual({
    eligible: 5,
    mirrored: 3,
    compared: 0,
    skipped: { budget: 2 },
    failed: {},
  })
  expect(grownSince(look(10, 4), look(3, 1))).toMatchObject({ eligible: 3, mirrored: 2, skipped: { budget: 1 } })
})
