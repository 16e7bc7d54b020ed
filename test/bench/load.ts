import { closedLoad } from './closed-load.ts'
import { LoadOrder, type LoadResult } from './load-order.ts'
import { openLoad } from './open-load.ts'
import { createTally } from './tally.ts'

/** The load, in a process of its own that is told by messages what to send and answers each with what it saw. */
process.on('message', (message) => {
  void run(LoadOrder.parse(message)).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))

async function run(order: LoadOrder): Promise<LoadResult> {
  const startedAt = performance.now()
  const endsAt = startedAt + order.seconds * 1000
  const tally = createTally(startedAt)
  const { ratePerSecond } = order
  if (ratePerSecond === undefined) await closedLoad(order, endsAt, tally)
  else await openLoad({ ...order, ratePerSecond }, startedAt, endsAt, tally)
  return tally.result(performance.now())
}
