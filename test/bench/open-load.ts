import { GRACE_MS, REOPEN_AFTER_MS } from './closed-load.ts'
import { openLoadConnection, requestOf } from './load-connection.ts'
import type { LoadConnection } from './load-connection.ts'
import type { LoadOrder } from './load-order.ts'
import type { Tally } from './tally.ts'

/** Requests that are due are sent so often; half of it is in every latency, the direct way's too. */
const LOOK_EVERY_MS = 1

/**
 * Open loop: request n is due n / rate seconds after the start, and its latency counts from then, whether a connection
 * was free for it or not. A closed loop asks less of a proxy that stalls, and so hardly sees the stall (coordinated
 * omission). Sends nothing after `endsAt`; what was due until then and not sent is told apart.
 */
export function openLoad(
  order: LoadOrder & { readonly ratePerSecond: number },
  startedAt: number,
  endsAt: number,
  tally: Tally,
): Promise<void> {
  const request = requestOf(order)
  const dueCount = Math.floor(order.seconds * order.ratePerSecond)
  const dueAt = (index: number): number => startedAt + (index * 1000) / order.ratePerSecond
  const free: LoadConnection[] = []
  /** When the request under way on a connection was due. */
  const asking = new Map<LoadConnection, number>()
  let next = 0

  const sendDue = (): void => {
    const now = performance.now()
    while (next < dueCount && dueAt(next) <= now && now < endsAt) {
      // In turn: one that never asks is closed by a proxy as silent, which would count as a fault of it.
      const connection = free.shift()
      if (connection === undefined) return
      asking.set(connection, dueAt(next++))
      connection.ask()
    }
  }
  const open = (): LoadConnection =>
    openLoadConnection(order, request, {
      opened: (one) => void free.push(one),
      answered: (one, { askedAt, firstByteAt, doneAt }, fault) => {
        const due = asking.get(one) ?? askedAt
        asking.delete(one)
        if (fault === undefined) tally.right(doneAt - due, firstByteAt - askedAt, doneAt)
        else tally.wrong(fault)
        free.push(one)
        sendDue()
      },
      lost: (one, fault) => {
        tally.wrong(fault)
        asking.delete(one)
        all.delete(one)
        const at = free.indexOf(one)
        if (at >= 0) free.splice(at, 1)
        setTimeout(() => performance.now() < endsAt && all.add(open()), REOPEN_AFTER_MS)
      },
    })
  const all = new Set(Array.from({ length: order.connections }, open))

  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now()
      sendDue()
      if (now < endsAt || (asking.size > 0 && now < endsAt + GRACE_MS)) return
      clearInterval(timer)
      for (const connection of all) connection.close()
      for (const _ of asking) tally.wrong('no answer in time')
      for (; next < dueCount; next++) tally.unsent(endsAt - dueAt(next))
      resolve()
    }, LOOK_EVERY_MS)
  })
}
