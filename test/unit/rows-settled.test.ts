import { expect, it, onTestFinished } from 'vitest'
import { spoolFacts } from '../../src/compose/row-lanes.ts'
import { rowsSettled } from '../../src/compose/rows-settled.ts'
import { NO_CONTENT } from '../../src/domain/content.ts'
import { createContentLane } from '../../src/store/content-lane.ts'
import type { Insert } from '../../src/store/insert.ts'
import { noRows } from '../../src/store/segments.ts'
import { SPOOLED_COLUMNS } from '../../src/store/spooled-columns.ts'
import { startWriter } from '../../src/store/writer.ts'
import { aSpool } from '../fakes/a-spool.ts'
import { anExchange } from '../fakes/an-exchange.ts'
import { realWorld } from '../fakes/real-world.ts'
import { silentLog } from '../fakes/silent-log.ts'

it('nothing is erased before the contents are stored whose rows were yet to be made', async () => {
  const spool = await aSpool({ columns: SPOOLED_COLUMNS, maxAgeMs: 50 })
  let stored = 0
  const insert: Insert = async (_table, rows) => {
    stored += rows.toString().trim().split('\n').length - 1 // the first line names the columns
    return { kind: 'stored' }
  }
  const writer = startWriter({ spool, insert, world: realWorld, log: silentLog })
  onTestFinished(() => writer.close())
  const lane = createContentLane({ spool, instance: 'here', hashKey: () => 'key', log: silentLog })
  for (let count = 0; count < 3; count += 1) {
    lane.push(anExchange({ receivedAt: realWorld.now() - 1_000, durationMs: 500 }), {
      mode: 'full',
      policy: NO_CONTENT,
      request: Buffer.from('{"a":1}'),
      answer: undefined,
    })
  }
  const facts = async () => ({ spool: spoolFacts([{ spool, writer }], noRows(), 1e9) })
  await rowsSettled(facts, realWorld.now, new AbortController().signal)
  expect(stored).toBe(3)
})
