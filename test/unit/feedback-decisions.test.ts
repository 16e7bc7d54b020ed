import { describe, expect, it } from 'vitest'
import {
  decideAndRemember,
  entryOfDecision,
  isNews,
  recordOfEntry,
  replayDecision,
} from '../../src/domain/feedback/decision-record.ts'
import { decisionText } from '../../src/domain/feedback/explain-decision.ts'
import { aFeedbackPolicy, NOW, someCosts, someInputs, someScores } from '../fakes/a-feedback.ts'

const HOUR_MS = 3_600_000
const LARGE = 'a/large'
const SMALL = 'b/small'
const COSTS = [someCosts(LARGE, 0.01), someCosts(SMALL, 0.001)]
const EQUAL = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, 0.8)]

describe('a decision is written down', () => {
  const record = (changes: Parameters<typeof someInputs>[0]) => decideAndRemember(someInputs(changes))
  const stored = (made: ReturnType<typeof record>) =>
    recordOfEntry(entryOfDecision(made, { id: 'id', route: 'chat', revision: 1, instance: 'here', policyVersion: 'v' }))
  const MOVES = { quality: EQUAL, costs: COSTS }
  const HELD = { quality: EQUAL, costs: [someCosts(LARGE, 0.001), someCosts(SMALL, 0.001)] }
  const FROZEN = { costs: COSTS }

  it('with all that making it again takes', () => {
    for (const changes of [MOVES, HELD, FROZEN]) {
      const context = { id: 'id', route: 'chat', revision: 1, instance: 'here', policyVersion: 'v' }
      const entry = entryOfDecision(record(changes), context)
      expect(replayDecision(entry)).toEqual([])
      expect(replayDecision({ ...entry, after: entry.after.replace('{"weights"', '{"weight"') })).not.toEqual([])
      expect(replayDecision({ ...entry, details: '{}' })).toEqual(['its inputs cannot be read'])
    }
  })

  it('so that a spoiled row does not come to the same', () => {
    const context = { id: 'id', route: 'chat', revision: 1, instance: 'here', policyVersion: 'v' }
    const entry = entryOfDecision(record(MOVES), context)
    const details = entry.details.replace('"floor":0.05', '"floor":0.4')
    expect(replayDecision({ ...entry, details })).toEqual([expect.stringMatching(/^cells: stored /)])
  })

  it('when weights move, when news come or go, and for standings once an hour', () => {
    const later = { now: NOW + HOUR_MS, asOf: NOW + HOUR_MS }
    const fresh = (rows: readonly (typeof EQUAL)[number][]) => rows.map((row) => ({ ...row, latestAt: NOW + HOUR_MS }))
    expect(isNews(record(HELD), undefined, HOUR_MS)).toBe(true)
    expect(isNews(record(MOVES), stored(record(HELD)), HOUR_MS)).toBe(true)
    expect(isNews(record(MOVES), stored(record(MOVES)), HOUR_MS)).toBe(true)
    expect(isNews(record(HELD), stored(record(HELD)), HOUR_MS)).toBe(false)
    expect(isNews(record(FROZEN), stored(record(HELD)), HOUR_MS)).toBe(true)
    expect(isNews(record(FROZEN), stored(record(FROZEN)), HOUR_MS)).toBe(false)
    expect(isNews(record(HELD), stored(record(FROZEN)), HOUR_MS)).toBe(true)
    const worse = [someScores(LARGE, 2_000, 0.8), someScores(SMALL, 2_000, 0.745)]
    expect(isNews(record({ ...HELD, quality: worse }), stored(record(HELD)), HOUR_MS)).toBe(false)
    expect(isNews(record({ ...HELD, quality: fresh(worse), ...later }), stored(record(HELD)), HOUR_MS)).toBe(true)
  })

  it('as a suggestion once, and taken back when it no longer stands', () => {
    const policy = { ...aFeedbackPolicy, mode: 'suggest' as const }
    const suggested = record({ ...MOVES, policy })
    expect(isNews(suggested, stored(suggested), HOUR_MS)).toBe(false)
    expect(suggested.memory.changedAt).toEqual({})
    const quality = EQUAL.map((row) => ({ ...row, latestAt: NOW + HOUR_MS }))
    const later = record({ ...HELD, quality, policy, now: NOW + HOUR_MS })
    expect(isNews(later, stored(suggested), HOUR_MS)).toBe(true)
    expect(isNews(later, stored(later), HOUR_MS)).toBe(false)
  })

  it('in words', () => {
    expect(decisionText(record(MOVES).decision)).toBe(
      'all traffic: a/large 50.0 → 40.0 %, b/small 50.0 → 60.0 %; coding: a/large 50.0 → 40.0 %, b/small 50.0 → 60.0 %',
    )
    expect(decisionText(record(FROZEN).decision)).toMatch(/^Nobody says how good the answers are/)
  })
})
