import { expect, it } from 'vitest'
import { NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { killUnderLoad } from '../fakes/kill-under-load.ts'

const KILLS = 10
const CLIENTS = 12

it('has exactly one row for every answered request after ten SIGKILLs under load', async () => {
  const report = await killUnderLoad(KILLS, CLIENTS)
  expect(report.difference).toEqual(NO_DIFFERENCE)
  expect(report.answered).toBeGreaterThan(KILLS * 300)
  expect(report.failures.filter((why) => !/ECONNREFUSED|ECONNRESET|socket hang up|aborted/.test(why))).toEqual([])
  // The rest were under way when the process died: at most one for each client and kill.
  expect(report.others).toBeLessThanOrEqual(KILLS * CLIENTS)
  expect(report.traces).toBe(report.answered + report.others)
  expect(report.quarantined).toBe(0)
})
