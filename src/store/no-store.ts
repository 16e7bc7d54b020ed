import type { Select } from './client.ts'
import { openAuditRecords } from './audit-records.ts'
import { NO_FEEDBACK_STORE } from './feedback-store.ts'
import { openReads } from './read.ts'
import { NO_ROLLOUT_STORE } from './rollout-store.ts'
import type { Store } from './store.ts'

/** For `store: none`. Nothing is kept: whoever composes the proxy need not start a spool or a writer. */
export function noStore(): Store {
  const detail = 'No store is configured (store: none).'
  const select: Select = async () => ({ kind: 'unavailable', detail })
  return {
    insert: async () => ({ kind: 'unavailable', detail }),
    select,
    reads: openReads(select, 'none'),
    query: async () => ({ kind: 'unavailable', detail }),
    rebuild: { start: () => 'unavailable', status: () => ({ kind: 'idle' }) },
    erase: { start: () => 'unavailable', status: () => ({ kind: 'idle', tables: [] }) },
    keepCalibrations: async () => ({ kind: 'unavailable', detail }),
    audits: openAuditRecords(() => undefined),
    journal: undefined,
    rollouts: NO_ROLLOUT_STORE,
    feedback: NO_FEEDBACK_STORE,
    status: () => ({ kind: 'none', detail }),
    serverVersion: () => undefined,
    subscribe: () => () => {},
    migrate: async () => [],
    access: () => undefined,
    writer: () => undefined,
    doubt: () => {},
    setRetention: () => {},
    close: async () => {},
  }
}
