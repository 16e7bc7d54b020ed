import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRolloutStore } from '../../src/store/rollout-store.ts'
import { ENGINE_READY_MS, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { aRollout, DAY_MS } from '../fakes/a-rollout.ts'

const REQUESTS = 1_000_000
const AT_ONCE = 250_000
const AS_OF = Date.now() - 60_000
const START = AS_OF - 4 * DAY_MS

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
}, ENGINE_READY_MS)
afterAll(() => engine.close())

// A million compared requests were more than a reader's 400 MB: the rollout held for want of data, for good.
it('a stage of a million compared requests is read within the memory and the time of a reader', async () => {
  const rollout = aRollout()
  const client = await engine.migrated()
  for (let from = 0; from < REQUESTS; from += AT_ONCE) {
    const at = `fromUnixTimestamp64Milli(toInt64(${START} + number * ${(4 * DAY_MS) / REQUESTS}))`
    const arm = `if(intDiv(number, 4) % 2 = 0, 'candidate', 'control')`
    const id = `reinterpretAsUUID(concat(reinterpretAsString(number + 1), reinterpretAsString(cityHash64(number))))`
    const rows = `FROM numbers(${from}, ${AT_ONCE})`
    await client.command(`INSERT INTO understudy.traces (trace_id, received_at, route, arm, unit, unit_source, rollout,
        rollout_epoch, rollout_step, is_compared, outcome, status, api)
      SELECT ${id}, ${at}, 'chat', ${arm}, concat('unit-', toString(intDiv(number, 4))), 'session', '${rollout.name}',
        1, 50, true, 'completed', 200, 'chat_completions' ${rows}`)
    await client.command(`INSERT INTO understudy.attempts (attempt_id, trace_id, started_at, role, provider, model, route, arm,
        outcome, duration_ms)
      SELECT generateUUIDv7(number), ${id}, ${at}, 'primary',
        if(arm = 'candidate', '${rollout.candidate.provider}', '${rollout.stable.provider}'),
        if(arm = 'candidate', '${rollout.candidate.model}', '${rollout.stable.model}'),
        'chat', ${arm} AS arm, 'completed', 100 ${rows}`)
  }
  const { select } = engine.reader()
  const answer = await openRolloutStore(() => client, select, 'understudy').readings(
    {
      rollout,
      live: { kind: 'ramping', percent: 50 },
      epoch: 1,
      enteredAt: START,
      dealtAt: START,
      asOf: AS_OF,
      watermarkMs: 120_000,
    },
    AbortSignal.timeout(60_000),
  )
  expect(answer).toMatchObject({
    kind: 'ok',
    value: { success: [{ pairs: [[0, 125_000]] }], units: { candidate: 125_000, control: 125_000, inBoth: 0 } },
  })
}, 180_000)
