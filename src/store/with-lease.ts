import { setTimeout as delay } from 'node:timers/promises'
import type { RequestId } from '../domain/units.ts'
import type { Read, StoreClient } from './client.ts'
import { describeStoreError } from './insert-failure.ts'
import { giveBack, type Lease, renewLease, takeLease } from './lease.ts'

/** Another one takes over so long after the holder has died. */
const LEASE_MS = 30_000
const RENEW_EVERY_MS = 10_000
const PATIENCE_MS = 5_000

/**
 * Runs `work` while `holder` has the lease `name`, and gives it back afterwards. The signal of `work` aborts when the lease
 * is lost or cannot be renewed in time; `busy`: another one holds it. Rejects only with what `work` rejects with.
 */
export async function withLease(
  client: StoreClient,
  { name, holder }: { readonly name: string; readonly holder: RequestId },
  work: (signal: AbortSignal) => Promise<void>,
): Promise<Read<'done' | 'busy'>> {
  let lease: Lease | undefined
  try {
    lease = await takeLease(client, name, holder, LEASE_MS, AbortSignal.timeout(PATIENCE_MS))
  } catch (error) {
    return { kind: 'unavailable', detail: describeStoreError(error) }
  }
  if (lease === undefined) return { kind: 'ok', value: 'busy' }
  const lost = new AbortController()
  const over = new AbortController()
  const renewing = keepRenewed(client, lease, lost, over.signal)
  try {
    await work(lost.signal)
  } finally {
    over.abort()
    const last = await renewing
    if (last !== undefined) await giveBack(client, last, AbortSignal.timeout(PATIENCE_MS)).catch(() => undefined)
  }
  return { kind: 'ok', value: 'done' }
}

/** Renews until `over`; resolves to the lease as it is then, undefined when it is lost. */
async function keepRenewed(
  client: StoreClient,
  first: Lease,
  lost: AbortController,
  over: AbortSignal,
): Promise<Lease | undefined> {
  let lease: Lease = first
  let missed = 0
  for (;;) {
    const isOver = await delay(RENEW_EVERY_MS, false, { signal: over }).catch(() => true)
    if (isOver) return lease
    try {
      const renewed = await renewLease(client, lease, LEASE_MS, AbortSignal.timeout(PATIENCE_MS))
      missed = 0
      if (renewed === undefined) {
        lost.abort()
        return undefined
      }
      lease = renewed
    } catch {
      // The server is away for a moment; what it has keeps for the rest of the lease.
      missed += 1
      if (missed * RENEW_EVERY_MS >= LEASE_MS - RENEW_EVERY_MS) {
        lost.abort()
        return undefined
      }
    }
  }
}
