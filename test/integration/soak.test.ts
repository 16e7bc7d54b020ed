import { expect, it } from 'vitest'
import { NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { soak, soakSummary } from '../fakes/soak.ts'

/** Less garbage in resident memory. It still grew by 34 MB when measured: this finds coarse leaks only. */
const LITTLE_GARBAGE = '--max-semi-space-size=4'

it('a minute of mixed calls leaves memory and open files as they were, and every row in the store in time', async ({
  annotate,
}) => {
  const report = await soak({ warmUpMs: 15_000, durationMs: 45_000, environment: { NODE_OPTIONS: LITTLE_GARBAGE } })
  await annotate(soakSummary(report))
  expect(report.failures).toEqual([])
  expect(report.difference).toEqual(NO_DIFFERENCE)
  expect([report.others, report.overdueRows]).toEqual([0, 0])
  expect(report.answered).toBeGreaterThan(2_000)
  expect(report.handles.after).toBeLessThanOrEqual(report.handles.before + 10)
  // Less than what is still settling after a quarter of a minute; ten minutes are for `npm run test:long`.
  expect(report.grownMb).toBeLessThan(48)
})
