import { expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { createRecorder } from '../../src/store/recorder.ts'
import { SPOOLED_COLUMNS } from '../../src/store/spooled-columns.ts'
import { anAttempt, anExchange } from '../fakes/an-exchange.ts'
import { aSpool } from '../fakes/a-spool.ts'
import { silentLog } from '../fakes/silent-log.ts'

const recorded = (record: ReturnType<typeof createRecorder>['record'], exchange: Exchange): Promise<void> =>
  new Promise((resolve) => record(exchange, resolve))

it('a row that cannot be built is counted as lost and holds up no answer; the next one is kept', async () => {
  const spool = await aSpool({ columns: SPOOLED_COLUMNS })
  const failures: unknown[] = []
  const log = { ...silentLog, error: (event: string, fields?: object) => failures.push({ event, ...fields }) }
  const recorder = createRecorder(spool, 'here', log, () => 'key')
  const impossible: Exchange = {
    ...anExchange({ attempts: [anAttempt(), anAttempt()] }),
    get decision(): Exchange['decision'] {
      throw new TypeError('a bug in the row')
    },
  }
  await recorded(recorder.record, impossible)
  expect(recorder.notBuiltRows()).toMatchObject({ traces: 1, attempts: 2 })
  expect(spool.status().rows).toBe(0)
  expect(failures).toMatchObject([{ event: 'record_failed', trace_id: impossible.request.id }])

  await recorded(recorder.record, anExchange())
  expect(recorder.notBuiltRows()).toMatchObject({ traces: 1, attempts: 2 })
  expect(spool.status().rows).toBe(2)
})

it('without a store every answer is released at once', async () => {
  const recorder = createRecorder(undefined, 'here', silentLog, () => 'key')
  await recorded(recorder.record, anExchange())
  expect(recorder.notBuiltRows()).toMatchObject({ traces: 0, attempts: 0 })
})
