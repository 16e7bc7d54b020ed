import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aLedger, type Ledger } from '../fakes/ledger.ts'
import { quietLog } from '../fakes/clickhouse.ts'
import { afterKill, appended, aSpool, NAMES } from '../fakes/a-spool.ts'
import { realWorld } from '../fakes/real-world.ts'
import type { Insert } from '../../src/store/insert.ts'
import type { Spool } from '../../src/store/spool.ts'
import { startWriter, type Writer } from '../../src/store/writer.ts'

/** A writer that retries at once, closed when the test is over. */
function aWriter(spool: Spool, insert: Insert): Writer {
  const writer = startWriter({ spool, insert, world: realWorld, log: quietLog, firstRetryMs: 1, maxRetryMs: 4 })
  onTestFinished(() => writer.close())
  return writer
}

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `[${from + n}]`)
const spooled = (spool: Spool) => readdirSync(join(spool.dir, 'traces'))

async function drained(spool: Spool, ledger: Ledger): Promise<Writer> {
  const writer = aWriter(spool, ledger.insert)
  spool.seal()
  expect(await writer.drain(10_000)).toBe('empty')
  return writer
}

describe('the writer', () => {
  it('stores each segment once, under its name, and deletes it', async () => {
    const spool = await aSpool({ maxRows: 4 })
    const ledger = aLedger()
    for (const line of lines(0, 10)) await appended(spool, 'traces', line)
    await appended(spool, 'attempts', '[11]')
    spool.seal()
    const names = new Set(spooled(spool).map((name) => name.split('.')[0]))
    const writer = await drained(spool, ledger)
    expect(ledger.rows('traces').toSorted()).toEqual(lines(0, 10).toSorted())
    expect(ledger.rows('attempts')).toEqual(['[11]'])
    const tokens = ledger.calls.filter(({ table }) => table === 'traces').map(({ token }) => token)
    expect(tokens).toHaveLength(names.size)
    expect(new Set(tokens)).toEqual(names)
    expect(spooled(spool)).toEqual([])
    expect(writer.status()).toMatchObject({ insertedRows: { traces: 10, attempts: 1 }, retries: 0, outage: undefined })
    expect(spool.status()).toMatchObject({ segments: 0, rows: 0, bytes: 0, oldestAt: undefined })
  })

  it('takes a segment that is closed while it waits', async () => {
    const spool = await aSpool()
    const ledger = aLedger()
    const writer = aWriter(spool, ledger.insert)
    await appended(spool, 'traces', '[1]')
    spool.seal()
    expect(await writer.drain(10_000)).toBe('empty')
    expect(ledger.rows('traces')).toEqual(['[1]'])
  })

  it('keeps the rows through an outage and stores them once when it is over, lost answers included', async () => {
    const faults = ['unavailable', 'lost_ack', 'unavailable', 'unavailable', 'lost_ack'] as const
    let call = 0
    const ledger = aLedger({ fault: () => faults[call++] ?? 'none' })
    const spool = await aSpool({ maxRows: 5 })
    await appended(spool, 'traces', ...lines(0, 5))
    await appended(spool, 'traces', ...lines(5, 10))
    const writer = await drained(spool, ledger)
    expect(ledger.rows('traces').toSorted()).toEqual(lines(0, 10).toSorted())
    expect(writer.status()).toMatchObject({ insertedRows: { traces: 10 }, retries: 5, outage: undefined })
  })

  it('says that there is an outage, and asks with one insert at a time while it lasts', async () => {
    let underWay = 0
    let most = 0
    let calls = 0
    const enough = Promise.withResolvers<void>()
    const spool = await aSpool({ maxRows: 1 })
    await appended(spool, 'traces', ...lines(0, 1))
    const insert: Insert = async () => {
      calls += 1
      underWay += 1
      if (calls > 2) most = Math.max(most, underWay)
      await new Promise((resolve) => void setImmediate(resolve))
      underWay -= 1
      if (calls > 10) enough.resolve()
      return { kind: 'unavailable', detail: 'connection refused' }
    }
    const writer = aWriter(spool, insert)
    for (const line of lines(1, 20)) await appended(spool, 'traces', line)
    await enough.promise
    expect(most).toBe(1)
    expect(writer.status().outage).toBe('connection refused')
    expect(spool.status().rows).toBe(20)
  })

  it('lets the others pass a segment that fails on its own', async () => {
    const spool = await aSpool({ maxRows: 1 })
    await appended(spool, 'traces', '["cursed"]')
    spool.seal()
    const cursed = spooled(spool)[0]?.split('.')[0]
    let isCursed = true
    const ledger = aLedger({ fault: ({ token }) => (isCursed && token === cursed ? 'unavailable' : 'none') })
    for (const line of lines(0, 30)) await appended(spool, 'traces', line)
    const writer = aWriter(spool, ledger.insert)
    await expect.poll(() => ledger.rows('traces').length).toBe(30)
    expect(spool.status().rows).toBe(1)
    isCursed = false
    expect(await writer.drain(10_000)).toBe('empty')
    expect(ledger.rows('traces')).toContain('["cursed"]')
  })

  it('has two inserts under way, and never a third', async () => {
    let underWay = 0
    let most = 0
    const both = Promise.withResolvers<void>()
    const spool = await aSpool({ maxRows: 1 })
    for (const line of lines(0, 20)) await appended(spool, 'traces', line)
    // The first is answered only when another has come: with one at a time this would wait for ever.
    const writer = aWriter(spool, async () => {
      underWay += 1
      most = Math.max(most, underWay)
      if (most === 2) both.resolve()
      await both.promise
      await new Promise((next) => void setImmediate(next))
      underWay -= 1
      return { kind: 'stored' }
    })
    expect(await writer.drain(10_000)).toBe('empty')
    expect(most).toBe(2)
  })

  it('sets aside and keeps the piece of a row that a kill left at the end of a segment', async () => {
    const first = await aSpool()
    await appended(first, 'traces', '[1]')
    const dir = afterKill(first.dir)
    appendFileSync(join(dir, 'traces', readdirSync(join(dir, 'traces'))[0] ?? ''), '[2,"half')
    const second = await aSpool({ dir })
    const ledger = aLedger()
    const writer = await drained(second, ledger)
    expect(ledger.rows('traces')).toEqual(['[1]'])
    expect(writer.status().missingRows.traces).toBe(0)
    const pieces = readdirSync(join(dir, 'dead')).map((name) => readFileSync(join(dir, 'dead', name), 'utf8'))
    expect(pieces).toEqual(['[2,"half'])
  })

  it('counts the rows that a loss of power took out of a closed segment', async () => {
    const first = await aSpool()
    await appended(first, 'traces', ...lines(0, 10))
    first.seal()
    const dir = afterKill(first.dir)
    truncateSync(join(dir, 'traces', readdirSync(join(dir, 'traces'))[0] ?? ''), NAMES.length + 12)
    const second = await aSpool({ dir })
    const ledger = aLedger()
    const writer = await drained(second, ledger)
    expect(ledger.rows('traces')).toEqual(lines(0, 3))
    expect(writer.status().missingRows.traces).toBe(7)
    expect(second.status().rows).toBe(0)
  })

  it('stops at the deadline and leaves the rest on disk', async () => {
    const spool = await aSpool()
    await appended(spool, 'traces', '[1]')
    spool.seal()
    const writer = aWriter(spool, aLedger({ fault: () => 'unavailable' }).insert)
    expect(await writer.drain(20)).toBe('deadline')
    await writer.close()
    expect(spooled(spool)).toHaveLength(1)
  })

  it('forgets a segment whose file somebody deleted, and counts its rows as missing', async () => {
    const spool = await aSpool()
    await appended(spool, 'traces', ...lines(0, 3))
    spool.seal()
    for (const name of spooled(spool)) rmSync(join(spool.dir, 'traces', name))
    const writer = await drained(spool, aLedger())
    expect(writer.status().missingRows).toMatchObject({ traces: 3, attempts: 0 })
  })
})

describe('a row that the store will never take', () => {
  const isBad = (row: string) => row.includes('bad')
  const mixed = [...lines(0, 5), '["bad 1"]', ...lines(6, 9), '["bad 2"]']

  it('goes into the quarantine with its reason; all the others are stored', async () => {
    const spool = await aSpool()
    const ledger = aLedger({ isBad })
    await appended(spool, 'traces', ...mixed)
    const writer = await drained(spool, ledger)
    expect(ledger.rows('traces').toSorted()).toEqual(mixed.filter((row) => !isBad(row)).toSorted())
    expect(ledger.quarantined('traces')).toEqual(['{"id":"bad 1"}', '{"id":"bad 2"}'])
    expect(writer.status()).toMatchObject({
      insertedRows: { traces: 8, attempts: 0 },
      quarantinedRows: { traces: 2, attempts: 0 },
      deadRows: { traces: 0, attempts: 0 },
    })
    expect(spooled(spool)).toEqual([])
  })

  it('is kept as a file when the quarantine refuses it too', async () => {
    const spool = await aSpool()
    const ledger = aLedger({ isBad, isBadInQuarantine: isBad })
    await appended(spool, 'traces', '[1]', '["bad 1"]')
    const writer = await drained(spool, ledger)
    expect(writer.status().deadRows).toMatchObject({ traces: 1, attempts: 0 })
    const [file = ''] = readdirSync(join(spool.dir, 'dead'))
    const kept: Record<string, unknown> = JSON.parse(readFileSync(join(spool.dir, 'dead', file), 'utf8'))
    expect(kept).toMatchObject({ table_name: 'traces', reason: 'cannot parse ["bad 1"]', row: '{"id":"bad 1"}' })
  })

  it('is found under the same tokens however often the search is cut short', async () => {
    const tokens = async (fault: () => 'none' | 'lost_ack' | 'unavailable') => {
      const spool = await aSpool()
      const ledger = aLedger({ isBad, fault })
      await appended(spool, 'traces', ...mixed)
      spool.seal()
      const id = spooled(spool)[0]?.split('.')[0] ?? ''
      await drained(spool, ledger)
      expect(ledger.misusedTokens).toEqual([])
      expect(ledger.rows('traces')).toHaveLength(8)
      expect(ledger.quarantined('traces')).toEqual(['{"id":"bad 1"}', '{"id":"bad 2"}'])
      return new Set(ledger.calls.map(({ token }) => token.replace(id, '<segment>')))
    }
    let call = 0
    const faults = ['none', 'none', 'lost_ack', 'unavailable', 'none', 'lost_ack', 'lost_ack'] as const
    expect(await tokens(() => (call < 40 ? (faults[call++ % 7] ?? 'none') : 'none'))).toEqual(
      await tokens(() => 'none'),
    )
  })

  it('does not make its neighbours rows twice when the schema is mended between two tries', async () => {
    // Sent whole again, the segment would now be welcome: under a token that the store has never seen, with rows in it
    // that it has.
    const spool = await aSpool()
    let isMended = false
    let calls = 0
    const ledger = aLedger({
      isBad: (row) => !isMended && isBad(row),
      fault: () => {
        calls += 1
        if (calls === 3) isMended = true
        return calls === 3 ? 'unavailable' : 'none'
      },
    })
    await appended(spool, 'traces', ...mixed)
    await drained(spool, ledger)
    expect(ledger.rows('traces').toSorted()).toEqual(mixed.toSorted())
    expect(ledger.misusedTokens).toEqual([])
  })

  it('does not even when the process is killed between the two', async () => {
    const first = await aSpool()
    let isMended = false
    const ledger = aLedger({ isBad: (row) => !isMended && isBad(row) })
    await appended(first, 'traces', ...mixed)
    first.seal()
    const killed = Promise.withResolvers<string>()
    let calls = 0
    // Dies when the whole has been refused and one half has been stored, while it waits for word of the other.
    aWriter(first, (...call) => {
      calls += 1
      if (calls < 3) return ledger.insert(...call)
      killed.resolve(afterKill(first.dir))
      return new Promise(() => {})
    })
    const second = await aSpool({ dir: await killed.promise })
    expect(second.status().rows).toBe(5)
    isMended = true
    await drained(second, ledger)
    expect(ledger.rows('traces').toSorted()).toEqual(mixed.toSorted())
  })
})
