import { openLoadConnection, requestOf } from './load-connection.ts'
import type { LoadOrder } from './load-order.ts'
import type { Tally } from './tally.ts'

/** How long an answer under way at the end may still take. */
export const GRACE_MS = 10_000
/** A contender that is down costs a few faults and not a spinning client. */
export const REOPEN_AFTER_MS = 50

/** Closed loop: each connection asks, reads the whole answer and asks again, until `endsAt`. */
export async function closedLoad(order: LoadOrder, endsAt: number, tally: Tally): Promise<void> {
  const request = requestOf(order)
  await Promise.all(Array.from({ length: order.connections }, () => keepAsking(order, request, endsAt, tally)))
}

function keepAsking(order: LoadOrder, request: Buffer, endsAt: number, tally: Tally): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(deadline)
      resolve()
    }
    const connection = openLoadConnection(order, request, {
      opened: (one) => one.ask(),
      answered: (one, { askedAt, firstByteAt, doneAt }, fault) => {
        if (fault === undefined) tally.right(doneAt - askedAt, firstByteAt - askedAt, doneAt)
        else tally.wrong(fault)
        if (doneAt < endsAt) return one.ask()
        one.close()
        over()
      },
      lost: (_one, fault) => {
        tally.wrong(fault)
        clearTimeout(deadline)
        setTimeout(() => {
          if (performance.now() < endsAt) resolve(keepAsking(order, request, endsAt, tally))
          else resolve()
        }, REOPEN_AFTER_MS)
      },
    })
    const deadline = setTimeout(
      () => {
        tally.wrong('no answer in time')
        connection.close()
        resolve()
      },
      endsAt - performance.now() + GRACE_MS,
    )
  })
}
