import { expect, test } from 'vitest'
import { unitShare } from '../../src/domain/assign.ts'
import { aKeeper, BROKEN, WELL } from '../fakes/a-keeper.ts'

/** Ten minutes of a target that fails this often; requests go to it while it is well, else to another. */
function tenMinutes(perSecond: number, failing: number) {
  const one = aKeeper()
  const requests = perSecond * 600
  let sent = 0
  let failed = 0
  for (let request = 0; request < requests; request++) {
    one.wait(1_000 / perSecond)
    if (!['healthy', 'probing'].includes(one.state())) continue
    const isBad = unitShare('brown-out', String(request)) < failing
    sent += 1
    failed += Number(isBad)
    one.call(isBad ? BROKEN : WELL)
  }
  return { sent: sent / requests, failed: failed / requests }
}

test.each([
  [0.1, 0.1, 0.01],
  [0.3, 0.05, 0.015],
  [0.6, 0.02, 0.01],
])(
  'of 100 requests a second few meet a target that fails %f of its calls: at most %f of them, %f its failures',
  (failing, mostSent, mostFailed) => {
    const { sent, failed } = tenMinutes(100, failing)
    expect(sent).toBeLessThan(mostSent)
    expect(failed).toBeLessThan(mostFailed)
  },
)

test('a target that fails 2 % of its calls keeps its requests', () => {
  expect(tenMinutes(100, 0.02).sent).toBeGreaterThan(0.98)
})
