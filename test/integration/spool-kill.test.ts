import { expect, it } from 'vitest'
import { aDirectory, aSpool } from '../fakes/a-spool.ts'
import { quietLog } from '../fakes/clickhouse.ts'
import { aLedger } from '../fakes/ledger.ts'
import { realWorld } from '../fakes/real-world.ts'
import { spoolingProcess } from '../fakes/spooling-process.ts'
import { startWriter } from '../../src/store/writer.ts'

const KILLS = 10
const ROWS_PER_BURST = 3

it('loses no released row and makes none twice when the process is killed ten times in a row', async () => {
  const dir = aDirectory()
  const released: string[] = []
  for (let kill = 0; kill < KILLS; kill += 1) {
    const life = spoolingProcess({
      dir,
      maxRows: 400,
      store: undefined,
      rowsPerBurst: ROWS_PER_BURST,
      paddingBytes: 500,
    })
    await life.until(() => life.kept.length > 300 + kill * 111)
    await life.kill()
    released.push(...life.kept)
  }

  const spool = await aSpool({ dir })
  const ledger = aLedger()
  const writer = startWriter({ spool, insert: ledger.insert, world: realWorld, log: quietLog })
  expect(await writer.drain(30_000)).toBe('empty')
  const stored = ledger
    .rows('traces')
    .map((row): [traceId: string] => JSON.parse(row))
    .map(([traceId]) => traceId)
  const ids = new Set(stored)
  expect(released.filter((id) => !ids.has(id))).toEqual([])
  expect(stored).toHaveLength(ids.size)
  // Beyond what was said to be released there can only be the one burst that each kill caught half-way.
  expect(stored.length - released.length).toBeLessThanOrEqual(KILLS * ROWS_PER_BURST)
  await writer.close()
})
