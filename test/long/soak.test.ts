import { expect, it } from 'vitest'
import { NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { soak, soakSummary } from '../fakes/soak.ts'

it('ten minutes of mixed calls leave memory and open files as they were, and every row in the store in time', async ({
  annotate,
}) => {
  const report = await soak({ warmUpMs: 60_000, durationMs: 600_000 })
  await annotate(soakSummary(report))
  expect(report.failures).toEqual([])
  expect(report.difference).toEqual(NO_DIFFERENCE)
  expect([report.others, report.overdueRows]).toEqual([0, 0])
  expect(report.handles.after).toBeLessThanOrEqual(report.handles.before + 10)
  // A leak of one kilobyte per call would be about 20 MB a minute.
  expect(report.megabytesPerMinute).toBeLessThan(2)
  expect(report.grownMb).toBeLessThan(24)
})
