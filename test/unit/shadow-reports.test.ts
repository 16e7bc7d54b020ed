import { describe, expect, test } from 'vitest'
import { sumShadows, type ShadowReport } from '../../src/domain/shadow/shadow-report.ts'
import { changeWeights } from '../../src/domain/changes/change-weights.ts'
import { isSwitchedOn, switchWeights } from '../../src/domain/shadow/shadow-switch.ts'
import { aPolicy } from '../fakes/a-provider.ts'
import { aPolicyView } from '../fakes/admin-ports.ts'
import { ask } from '../fakes/ask.ts'
import { aShadow } from '../fakes/a-shadow.ts'
import { metricsWith, scrape } from '../fakes/metrics-with.ts'
import { openAdmin } from '../fakes/open-admin.ts'
import { sampleOf } from '../fakes/parse-exposition.ts'

const target = { provider: 'openai', model: 'candidate' }
const none = { target: undefined, isControl: false }

function aReport(changes: Partial<ShadowReport> = {}): ShadowReport {
  return {
    shadow: 'trial',
    instance: 'here',
    isOn: true,
    running: 1,
    queued: 2,
    hourPicoUsd: '10000000000',
    dayPicoUsd: '40000000000',
    totalPicoUsd: '30000000000',
    counts: [
      { shadow: 'trial', ...none, stage: 'eligible', reason: '', requests: 10 },
      { shadow: 'trial', ...none, stage: 'skipped', reason: 'not_sampled', requests: 6 },
      { shadow: 'trial', target, isControl: false, stage: 'skipped', reason: 'budget', requests: 1 },
      { shadow: 'trial', target, isControl: false, stage: 'mirrored', reason: '', requests: 3 },
      { shadow: 'trial', target, isControl: false, stage: 'compared', reason: '', requests: 2 },
      { shadow: 'trial', target, isControl: false, stage: 'failed', reason: 'timeout', requests: 1 },
    ],
    ...changes,
  }
}

const policy = {
  ...aPolicyView().policy,
  shadows: [
    aShadow({ budget: { perHour: 50_000_000_000n, perDay: 50_000_000_000n } }),
    aShadow({ name: 'idle', isEnabled: false }),
  ],
}

describe('GET /admin/shadows', () => {
  test('shows the whole funnel and what is left of the budget, of all processes together', async () => {
    const { port } = await openAdmin({
      policyView: () => aPolicyView({ policy }),
      shadows: () => [aReport(), aReport({ instance: 'there', running: 0, backedOffUntil: Date.UTC(2026, 10, 20) })],
    })
    const { status, json } = await ask(port, '/admin/shadows')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      shadows: [
        {
          name: 'trial',
          on: true,
          running: 1,
          queued: 4,
          backed_off_until: '2026-11-20T00:00:00.000Z',
          budget: {
            hour: { limit_usd: '0.050000000000', used_usd: '0.020000000000', left_usd: '0.030000000000' },
            day: { used_usd: '0.080000000000', left_usd: '0.000000000000' },
          },
          funnel: {
            eligible: 20,
            skipped: { not_sampled: 12, budget: 2 },
            mirrored: 6,
            compared: 4,
            failed: { timeout: 2 },
          },
          candidates: [
            { target: 'openai/candidate', is_control: false, skipped: { budget: 2 }, mirrored: 6, compared: 4 },
          ],
        },
        { name: 'idle', on: false, enabled: false, funnel: { eligible: 0, skipped: {}, mirrored: 0 } },
      ],
    })
  })
})

test('the metrics say the same', async () => {
  const families = await scrape(metricsWith({ shadows: () => [aReport()] }))
  const of = (labels: Record<string, string>): number | undefined =>
    sampleOf(families, 'understudy_shadow_requests_total', {
      shadow: 'trial',
      candidate: '',
      arm: '',
      reason: '',
      ...labels,
    })
  expect(of({ stage: 'eligible' })).toBe(10)
  expect(of({ stage: 'skipped', reason: 'not_sampled' })).toBe(6)
  const candidate = { candidate: 'openai/candidate', arm: 'candidate' }
  expect(of({ ...candidate, stage: 'skipped', reason: 'budget' })).toBe(1)
  expect(of({ ...candidate, stage: 'failed', reason: 'timeout' })).toBe(1)
  expect(sampleOf(families, 'understudy_shadow_cost_usd_total', { shadow: 'trial' })).toBe(0.03)
  expect(sampleOf(families, 'understudy_shadow_budget_used_usd', { shadow: 'trial', window: 'hour' })).toBe(0.01)
})

test('what processes say of one shadow is added up exactly', () => {
  const huge = aReport({ hourPicoUsd: '900719925474099312345' })
  expect(sumShadows([huge, huge])).toMatchObject([{ hourPicoUsd: 1_801_439_850_948_198_624_690n, running: 2 }])
})

describe('POST /admin/shadows/<name>/on|off', () => {
  test('is a live change like any other: with an actor and a reason, in the journal', async () => {
    const asked: unknown[] = []
    const { port } = await openAdmin({
      changeWeights: async (change) => {
        asked.push(change)
        return { kind: 'refused', fault: 'There is no shadow "x". Known: trial.', isUnknownRoute: true }
      },
    })
    const { status } = await ask(port, '/admin/shadows/x/off?reason=dear', { method: 'POST' })
    expect(status).toBe(404)
    expect(asked).toMatchObject([{ route: 'shadow:x', wish: { weights: { on: 0, off: 1 } }, reason: 'dear' }])
  })
})

describe('a live switch', () => {
  const shadow = aShadow()
  const state = aPolicy([], { shadows: [shadow] })
  const turned = (isOn: boolean, isEnabled = true): boolean => {
    const change = changeWeights(state, undefined, 'shadow:trial', { weights: switchWeights(isOn), pins: undefined })
    if (!('change' in change) || change.change.kind !== 'weights_set') throw new Error(JSON.stringify(change))
    const { weights, pins, base } = change.change
    const live = { weights, pins, base, actor: 'me', reason: '', at: 0 }
    return isSwitchedOn({ ...shadow, isEnabled }, { revision: '1', weights: new Map([['shadow:trial', live]]) })
  }

  test('counts until the file says something else', () => {
    expect(turned(false)).toBe(false)
    expect(turned(true)).toBe(true)
    // The file was edited since: it was on, and is off now, whatever was switched before.
    expect(turned(true, false)).toBe(false)
    expect(isSwitchedOn(shadow, undefined)).toBe(true)
  })

  test('is refused for a shadow that is not there', () => {
    const change = changeWeights(state, undefined, 'shadow:other', { weights: switchWeights(false), pins: undefined })
    expect(change).toMatchObject({ isUnknownRoute: true, fault: 'There is no shadow "other". Known: trial.' })
  })
})
