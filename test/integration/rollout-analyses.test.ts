import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { armOf, armShares, comparedShares, rendezvous, unitShare } from '../../src/domain/assign.ts'
import { promotionEvidence, rollbackEvidence } from '../../src/domain/statistics/paired-betting.ts'
import { badEventEvidence, type EventWindow } from '../../src/domain/statistics/rate-ratio.ts'
import type { Json, StoreClient } from '../../src/store/client.ts'
import { type Analysis, readAnalysis } from '../../src/store/analyses/read-analysis.ts'
import { ENGINE_READY_MS, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { REFERENCE } from '../fakes/reference-values.ts'
import { createDraws } from '../simulation/draws.ts'

let engine: TestEngine
let client: StoreClient

beforeAll(async () => {
  engine = await startTestEngine()
  client = engine.client('default')
}, ENGINE_READY_MS)
afterAll(() => engine.close())

const UNITS = 100_000

describe('in SQL as in TypeScript:', () => {
  it('every unit falls to the same arm, at every percentage, row by row', async () => {
    await client.command(
      `CREATE TABLE units ENGINE = Memory AS SELECT if(number % 3 = 0, concat('conv:é', toString(number)),
        concat('user-', toString(number))) AS unit FROM numbers(${UNITS})`,
    )
    const { salt, 'user-1': one, 'conv:abc': other } = REFERENCE.bucketSha256
    for (const [percent, isBaking] of [
      [5, false],
      [25, false],
      [50, false],
      [75, false],
      [100, true],
    ] as const) {
      const shares = armShares(percent, isBaking)
      const compared = comparedShares(shares)
      const rows = await ask('assigned-arms', { units: 'units', salt: String(salt), ...shares })
      const differing = rows.filter(
        ({ unit, share, arm, compared_arm: comparedArm }) =>
          share !== unitShare(String(salt), textOf(unit)) ||
          arm !== armOf(unitShare(String(salt), textOf(unit)), shares) ||
          comparedArm !== armOf(unitShare(String(salt), textOf(unit)), compared),
      )
      expect(differing).toEqual([])
      expect(rows).toHaveLength(UNITS)
    }
    await client.command(`CREATE TABLE known_units ENGINE = Memory AS SELECT arrayJoin(['user-1', 'conv:abc']) AS unit`)
    const known = await ask('assigned-arms', {
      units: 'known_units',
      salt: String(salt),
      candidate: 0.05,
      control: 0.05,
    })
    expect(known.map(({ unit, share }) => [unit, Number(share).toFixed(9)])).toEqual([
      ['user-1', Number(one).toFixed(9)],
      ['conv:abc', Number(other).toFixed(9)],
    ])
  })

  it('every unit is given the same of several choices, row by row', async () => {
    const weights = { ...REFERENCE.hrw.weights, never: 0 }
    const choices = Object.entries(weights).map(([key, weight]) => ({ key, weight, value: key }))
    const params = {
      units: 'units',
      salt: REFERENCE.hrw.salt,
      keys: Object.keys(weights),
      weights: Object.values(weights),
    }
    const rows = await ask('weighted-choices', params)
    const differing = rows.filter(
      ({ unit, choice }) => choice !== rendezvous(REFERENCE.hrw.salt, textOf(unit), choices),
    )
    expect(differing).toEqual([])
    expect(rows).toHaveLength(UNITS)
    const none = await ask('weighted-choices', { ...params, keys: ['a'], weights: [0] })
    expect(new Set(none.map(({ choice }) => choice))).toEqual(new Set(['']))
  })

  it.each(REFERENCE.pairedBetting)(
    '$n pairs have the reference e-values',
    async ({ counts, n, mean, var: variance, ...logE }) => {
      await client.command('CREATE OR REPLACE TABLE pairs_seen (task String, d Nullable(Float64)) ENGINE = Memory')
      const values = counts.flatMap(([d, count]) => Array.from({ length: count }, () => `('all', ${d})`))
      await client.command(`INSERT INTO pairs_seen VALUES ${[...values, "('all', NULL)"].join(', ')}`)
      for (const [margin, expected] of Object.entries(logE.logE_promote)) {
        const [row] = await ask('paired-betting', { pairs: 'pairs_seen', margin: Number(margin), harm_margin: 0.015 })
        expect(Number(row?.pairs)).toBe(n)
        expect(Number(row?.mean)).toBeCloseTo(mean, 6)
        expect(Number(row?.variance)).toBeCloseTo(variance, 6)
        expect(Number(row?.log_e_promote)).toBeCloseTo(expected, 6)
        expect(Number(row?.log_e_promote)).toBeCloseTo(promotionEvidence(counts, Number(margin)), 9)
        expect(Number(row?.log_e_rollback)).toBeCloseTo(logE.logE_rollback['0.015'] ?? Number.NaN, 6)
        expect(Number(row?.log_e_rollback)).toBeCloseTo(rollbackEvidence(counts, 0.015), 9)
      }
    },
  )

  it('a unit is exposed in each window in which it calls, until it happens to it', async () => {
    await client.command(CALLS)
    await client.command(`INSERT INTO calls (received_at, task, unit, arm, bad_events) VALUES
      ('2026-11-20 10:00:00', 'all', 'a', 'candidate', []), ('2026-11-20 10:04:00', 'all', 'a', 'candidate', ['slow']),
      ('2026-11-20 10:05:00', 'all', 'a', 'candidate', ['error']), ('2026-11-20 10:11:00', 'all', 'a', 'candidate', []),
      ('2026-11-20 10:01:00', 'all', '', 'control', []), ('2026-11-20 10:01:00', 'all', '', 'control', ['error']),
      ('2026-11-20 10:06:00', 'all', 'b', 'control', []), ('2026-11-20 10:12:00', 'all', 'b', 'control', []),
      ('2026-11-20 10:12:00', 'all', 'c', 'none', ['error'])`)
    const rows = await ask('bad-events', { calls: 'calls', events: ['error', 'slow'], tolerated: 1.25 })
    expect(rows.map(({ event, windows }) => [event, windows])).toEqual([
      [
        'error',
        [
          ['1', '2', '0', '1'],
          ['1', '1', '1', '0'],
          ['0', '1', '0', '0'],
        ],
      ],
      [
        'slow',
        [
          ['1', '2', '1', '0'],
          ['0', '1', '0', '0'],
          ['0', '1', '0', '0'],
        ],
      ],
    ])
  })

  it.each(REFERENCE.badEventEprocess)('bad events have the reference e-values', async (reference) => {
    await client.command(CALLS)
    for (const [index, window] of reference.windows.entries()) {
      const { candidate, control, badCandidate, badControl } = window
      for (const [arm, exposed, bad] of [
        ['candidate', candidate, badCandidate],
        ['control', control, badControl],
      ] as const) {
        // Each unit calls twice; one to whom it has happened calls again and again, badly, which must not count again.
        await client.command(`INSERT INTO calls (received_at, task, unit, arm, bad_events)
          SELECT toDateTime64('2026-11-20 10:00:00', 3, 'UTC') + toIntervalMinute(${index} * 5 + later),
            'all', concat('${arm}-${index}-', toString(number)), '${arm}',
            if(number < ${bad}, ['error'], [])
          FROM numbers(${exposed}) ARRAY JOIN if(number < ${bad}, [0, 1, 30], [0, 1]) AS later`)
      }
    }
    const [row] = await ask('bad-events', { calls: 'calls', events: ['error'], tolerated: 1.25 })
    expect(Number(row?.log_e)).toBeCloseTo(reference['logE_r0_1.25'], 6)
    expect(Number(row?.log_e)).toBeCloseTo(badEventEvidence(reference.windows), 9)
    expect(windowsOf(row?.windows ?? null)).toEqual(reference.windows)
    const [untolerated] = await ask('bad-events', { calls: 'calls', events: ['error'], tolerated: 1 })
    expect(Number(untolerated?.log_e)).toBeCloseTo(badEventEvidence(reference.windows, 1), 9)
  })

  it('the i-th answers are paired, one per unit, and a late score only ever adds', async () => {
    const draws = createDraws(7)
    const base = Date.UTC(2026, 10, 20, 10)
    const answers = Array.from({ length: 3000 }, (_, index) => {
      const receivedAt = base + index * 1000
      return {
        trace_id: `01900000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
        received_at: receivedAt,
        scored_at: receivedAt + Math.floor(draws.exponential(draws.chance(0.1) ? 3_600_000 : 60_000)),
        task: draws.chance(0.3) ? 'coding' : 'all',
        unit: draws.chance(0.2) ? '' : `unit-${Math.floor(draws.unit() * 900)}`,
        arm: draws.chance(0.4) ? 'candidate' : draws.chance(0.7) ? 'control' : 'none',
        value: draws.chance(0.05) ? null : Math.floor(draws.unit() * 5) / 4,
      }
    })
    await client.command(`CREATE TABLE scored (trace_id UUID, received_at DateTime64(3, 'UTC'), scored_at DateTime64(3, 'UTC'),
      task String, unit String, arm String, value Nullable(Float64)) ENGINE = Memory`)
    const values = answers.map(
      (each) =>
        `('${each.trace_id}', fromUnixTimestamp64Milli(${each.received_at}), fromUnixTimestamp64Milli(${each.scored_at}),
          '${each.task}', '${each.unit}', '${each.arm}', ${each.value ?? 'NULL'})`,
    )
    await client.command(`INSERT INTO scored VALUES ${values.join(', ')}`)
    for (const minutes of [4, 6, 20, 55, 600]) {
      const asOf = base + minutes * 60_000
      const rows = await ask('live-pairs', { scored: 'scored', watermark_ms: WATERMARK_MS, as_of: asOf })
      const seen = rows.map(({ task, d, pairs }) => [task, Number(d), Number(pairs)])
      expect(seen).toEqual(pairsByHand(answers, asOf))
    }
  })
})

const WATERMARK_MS = 300_000

const CALLS = `CREATE OR REPLACE TABLE calls (trace_id UUID DEFAULT generateUUIDv7(), received_at DateTime64(3, 'UTC'),
  task String, unit String, arm String, bad_events Array(String)) ENGINE = Memory`

type Answer = {
  readonly trace_id: string
  readonly received_at: number
  readonly scored_at: number
  readonly task: string
  readonly unit: string
  readonly arm: string
  readonly value: number | null
}

/** The same pairs, one answer after the other: by the time it counts from, none of a unit that has counted. */
function pairsByHand(answers: readonly Answer[], asOf: number): readonly (readonly [string, number, number])[] {
  const countsFrom = ({ scored_at: scoredAt, received_at: receivedAt }: Answer): number =>
    Math.max(scoredAt, receivedAt + WATERMARK_MS)
  const found: (readonly [string, number, number])[] = []
  for (const task of ['all', 'coding']) {
    const counted = new Set<string>()
    const scores: Record<string, number[]> = { candidate: [], control: [], none: [] }
    const inOrder = answers
      .filter((each) => each.task === task && each.value !== null && countsFrom(each) <= asOf)
      .toSorted((one, other) => countsFrom(one) - countsFrom(other) || (one.trace_id < other.trace_id ? -1 : 1))
    for (const each of inOrder) {
      const unit = `${each.arm} ${each.unit || each.trace_id}`
      if (counted.has(unit)) continue
      counted.add(unit)
      scores[each.arm]?.push(each.value ?? 0)
    }
    const counts = new Map<number, number>()
    const { candidate = [], control = [] } = scores
    for (const [index, value] of candidate.slice(0, control.length).entries()) {
      const d = value - (control[index] ?? 0)
      counts.set(d, (counts.get(d) ?? 0) + 1)
    }
    found.push(...[...counts].sort(([one], [other]) => one - other).map(([d, pairs]) => [task, d, pairs] as const))
  }
  return found
}

function windowsOf(windows: Json): readonly EventWindow[] {
  if (!Array.isArray(windows)) throw new Error('expected an array of windows')
  return windows.map((each: Json) => {
    if (!Array.isArray(each)) throw new Error('expected a window as an array')
    const [candidate = 0, control = 0, badCandidate = 0, badControl = 0] = each.map(Number)
    return { candidate, control, badCandidate, badControl }
  })
}

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`expected text, got ${JSON.stringify(value)}`)
  return value
}

async function ask(analysis: Analysis, params: Readonly<Record<string, Json>>) {
  const query = { name: analysis, sql: readAnalysis(analysis), params: { database: 'default', ...params } }
  const read = await client.select({ ...query, parse: (row) => row })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value
}
