import type { StoreFacts } from '../admin/ports.ts'
import type { StoreSettings } from '../domain/policy.ts'
import type { StoreStatus } from '../store/store.ts'

/** A server that answers but takes no rows (a full disk, say) is down for all that matters. */
export function storeFacts(
  kind: StoreSettings['kind'],
  { kind: state, detail }: StoreStatus,
  outage: string | undefined,
): StoreFacts {
  return state === 'ready' && outage !== undefined ? { kind, state: 'down', detail: outage } : { kind, state, detail }
}
