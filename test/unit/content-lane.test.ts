import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type CapturedContent, NO_CONTENT } from '../../src/domain/content.ts'
import { createContentLane } from '../../src/store/content-lane.ts'
import { SPOOLED_COLUMNS } from '../../src/store/spooled-columns.ts'
import { aSpool } from '../fakes/a-spool.ts'
import { anExchange } from '../fakes/an-exchange.ts'
import { silentLog } from '../fakes/silent-log.ts'

const SECRET = 'zq@private.example'

function said(bytes: Uint8Array | undefined): CapturedContent {
  return { mode: 'full', policy: { ...NO_CONTENT, maxBytes: 1e9 }, request: bytes, answer: undefined }
}

async function aLane(log = silentLog) {
  const spool = await aSpool({ columns: SPOOLED_COLUMNS })
  return { spool, lane: createContentLane({ spool, instance: 'here', hashKey: () => 'key', log }) }
}

it('makes rows in later turns, one in each, and tells of them from the first', async () => {
  const { spool, lane } = await aLane()
  const exchange = anExchange({ receivedAt: 1_000, durationMs: 500 })
  for (let count = 0; count < 3; count += 1) lane.push(exchange, said(Buffer.from('{"a":1}')))
  expect(spool.status()).toMatchObject({ rows: 0, oldestAt: 1_500 })
  while (spool.status().rows < 3) await turn()
  expect(spool.status().appendedRows.contents).toBe(3)
  expect(spool.status().oldestAt).toBeGreaterThan(1_500)
})

it('makes all that wait at once when the process is to end', async () => {
  const { spool, lane } = await aLane()
  for (let count = 0; count < 3; count += 1) lane.push(anExchange(), said(Buffer.from('{"a":1}')))
  lane.flush()
  await turn()
  expect(spool.status().appendedRows.contents).toBe(3)
})

it('holds a bounded number of bytes; what comes beyond is counted as lost', async () => {
  const { spool, lane } = await aLane()
  const half = Buffer.alloc(33 * 1024 * 1024)
  lane.push(anExchange(), said(half))
  lane.push(anExchange(), said(half))
  expect(lane.lostRows()).toBe(1)
  lane.flush()
  await turn()
  expect(spool.status().appendedRows.contents).toBe(1)
  lane.push(anExchange(), said(half))
  expect(lane.lostRows()).toBe(1)
  lane.flush()
})

it('loses one row to a bug, without a word of it in the log', async () => {
  const lines: string[] = []
  const { spool, lane } = await aLane({
    ...silentLog,
    error: (event, fields) => void lines.push(JSON.stringify([event, fields])),
  })
  const impossible = {
    ...said(Buffer.from(SECRET)),
    get mode(): 'full' {
      throw new TypeError(`a bug that quotes ${SECRET}`)
    },
  }
  lane.push(anExchange(), impossible)
  lane.push(anExchange(), said(Buffer.from('{}')))
  lane.flush()
  await turn()
  expect([lane.lostRows(), spool.status().appendedRows.contents]).toEqual([1, 1])
  expect(lines.join('')).toContain('content_failed')
  expect(lines.join('')).not.toContain(SECRET)
  expect(spool.status().oldestAt).toBeGreaterThan(Date.UTC(2026, 10, 20, 13))
})
