import type { EventEmitter } from 'node:events'
import type { Provider } from '../domain/policy.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'
import type { Slots } from './slots.ts'

/** What a call without a slot is told. */
export const NO_FREE_SLOT: UpstreamFailure = { error: 'overloaded', mayHaveRun: false, detail: 'no free slot' }

/**
 * Calls `granted` when `provider` has a free slot, with the milliseconds waited, and holds the slot until `connection`
 * closes; one that closes before leaves the queue. `refused`: there is none, nor will be in time.
 */
export function holdSlot(
  slots: Slots,
  monotonic: () => MonotonicMs,
  provider: Provider,
  connection: EventEmitter,
  { granted, refused }: { readonly granted: (queueMs: number) => void; readonly refused: () => void },
): void {
  const askedAt = monotonic()
  let isHeld = false
  let leave = (): void => undefined
  connection.once('close', () => {
    if (isHeld) slots.release(provider)
    else leave()
  })
  leave = slots.acquire(provider, {
    granted: () => {
      isHeld = true
      granted(monotonic() - askedAt)
    },
    refused,
  })
}
