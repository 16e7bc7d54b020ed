import { expect, it } from 'vitest'
import { ask } from '../fakes/ask.ts'
import type { DayRange, RebuildStatus } from '../../src/admin/ports.ts'
import { openAdmin } from '../fakes/open-admin.ts'

it('a rebuild is started for the days asked for, and told of', async () => {
  const asked: DayRange[] = []
  const rebuildStatus = (): RebuildStatus => ({ kind: 'running', days: 4, rebuilt: 1 })
  const { port } = await openAdmin({
    rebuildRollups: (range) => {
      asked.push(range)
      return 'started'
    },
    rebuildStatus,
  })
  const answer = await ask(port, '/admin/rollups?from=2026-11-01&to=2026-11-20', { method: 'POST' })
  expect(answer).toMatchObject({ status: 202, json: { state: 'running', days: 4, rebuilt: 1 } })
  await ask(port, '/admin/rollups', { method: 'POST' })
  expect(asked).toEqual([
    { from: '2026-11-01', to: '2026-11-20' },
    { from: undefined, to: undefined },
  ])
  expect((await ask(port, '/admin/rollups')).json).toEqual({ state: 'running', days: 4, rebuilt: 1 })
})

it.each(['from=yesterday', 'to=2026-02-31', 'from=2026-11-1', "from=2026-11-20'", 'day=2026-11-20', 'from='])(
  'what is no day is refused: %s',
  async (query) => {
    const { port } = await openAdmin()
    expect(await ask(port, `/admin/rollups?${query}`, { method: 'POST' })).toMatchObject({ status: 400 })
  },
)

it.each([
  ['busy', 409],
  ['unavailable', 503],
] as const)('a rebuild that cannot begin (%s) is answered %i', async (reason, status) => {
  const { port } = await openAdmin({ rebuildRollups: () => reason })
  expect(await ask(port, '/admin/rollups', { method: 'POST' })).toMatchObject({ status })
})
