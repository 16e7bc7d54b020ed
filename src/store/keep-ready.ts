import { setTimeout as delay } from 'node:timers/promises'
import { ClickHouseError } from '@clickhouse/client'
import type { Retention } from '../domain/policy.ts'
import type { Closable, Log, World } from '../domain/ports.ts'
import type { StoreClient } from './client.ts'
import { parseAs } from './columns.ts'
import type { Insert } from './insert.ts'
import { describeStoreError } from './insert-failure.ts'
import { isTaken } from './lease.ts'
import { migrate } from './migrate.ts'
import { applyRetention } from './retention.ts'
import { REBUILD_LEASE } from './rollups/rebuild.ts'
import type { StoreStatus } from './store.ts'

export type KeepReadyOptions = { readonly retention: Retention; readonly world: World; readonly log: Log }

/** Keeps tables up to date behind a connection that comes and goes. */
export type ReadyKeeper = Closable & {
  /** There is a server to speak to (again). */
  readonly use: (client: StoreClient) => void
  /** There is none, for now or for good. */
  readonly lose: (detail: string, isFinal: boolean) => void
  readonly insert: Insert
  readonly status: () => StoreStatus
  readonly serverVersion: () => string | undefined
  readonly subscribe: (listener: (status: StoreStatus) => void) => () => void
  readonly migrate: (signal: AbortSignal) => Promise<readonly string[]>
  readonly setRetention: (retention: Retention) => void
  readonly doubt: () => void
}

/** Between two looks at a server that is well; it is also how late an outage shows in the status. */
const CHECK_EVERY_MS = 5_000
const FIRST_BACKOFF_MS = 250

export function keepReady(options: KeepReadyOptions): ReadyKeeper {
  const { world, log } = options
  const instance = world.newId()
  const closing = new AbortController()
  const listeners = new Set<(status: StoreStatus) => void>()
  const applied: string[] = []
  let client: StoreClient | undefined
  let status: StoreStatus = { kind: 'starting', detail: 'The store is starting.' }
  let retention = options.retention
  let isRetentionDue = true
  let isUpToDate = false
  // The rollups are being rebuilt, here or by another process: rows that come now would be missing in them.
  let isPaused = false
  let serverVersion: string | undefined
  // An insert failed for a reason other than its rows: the tables may be gone (a wiped volume), so look.
  let isInDoubt = false
  let waiting = new AbortController()

  const wake = (): void => waiting.abort()
  const change = (kind: StoreStatus['kind'], detail: string): void => {
    if (status.kind === kind && status.detail === detail) return
    status = { kind, detail }
    for (const listener of listeners) listener(status)
  }
  const pause = async (ms: number): Promise<void> => {
    const signal = AbortSignal.any([closing.signal, waiting.signal])
    await delay(ms, undefined, { signal }).catch(() => {})
    if (waiting.signal.aborted) waiting = new AbortController()
  }

  /** One look at the server: tables, retention, or only its pulse. Resolves to whether all is well. */
  const check = async (server: StoreClient): Promise<boolean> => {
    const { signal } = closing
    try {
      if ((status.kind === 'ready' || isPaused) && !isInDoubt) {
        const look = AbortSignal.any([signal, AbortSignal.timeout(CHECK_EVERY_MS)])
        isPaused = await isTaken(server, REBUILD_LEASE, look)
      } else {
        isInDoubt = false
        if (status.kind !== 'ready') change('migrating', 'The tables are being brought up to date.')
        // In time, too: a server that takes the connection and then says nothing is down, not being migrated.
        serverVersion = await askVersion(server, AbortSignal.any([signal, AbortSignal.timeout(CHECK_EVERY_MS)]))
        applied.push(
          ...(await migrate({ client: server, retention, instance, log, monotonic: world.monotonic, signal })),
        )
        isPaused = await isTaken(server, REBUILD_LEASE, signal)
      }
    } catch (error) {
      if (signal.aborted || client !== server) return false
      const detail = describeStoreError(error)
      if (status.kind !== 'down' || status.detail !== detail) log.warn('store_down', { detail })
      change('down', detail)
      return false
    }
    if (client !== server) return false
    isUpToDate = true
    if (isRetentionDue) await updateRetention(server)
    if (isPaused) {
      change('migrating', 'The rollups are being rebuilt; rows wait in the spool meanwhile.')
      return true
    }
    if (status.kind !== 'ready') log.info('store_ready', { migrations: applied })
    change('ready', 'The store takes rows.')
    return true
  }

  const updateRetention = async (server: StoreClient): Promise<void> => {
    isRetentionDue = false
    try {
      const tables = await applyRetention(server, retention, closing.signal)
      if (tables.length > 0) log.info('store_retention_changed', { tables, ...retention })
    } catch (error) {
      // Rows are kept too long or too short, which is no reason to take none. What the server refuses it will
      // refuse again; anything else is worth another try.
      if (!(error instanceof ClickHouseError)) isRetentionDue = true
      if (!closing.signal.aborted) log.warn('store_retention_failed', { detail: describeStoreError(error) })
    }
  }

  const run = async (): Promise<void> => {
    let backoffMs = FIRST_BACKOFF_MS
    while (!closing.signal.aborted) {
      const isWell = client === undefined || (await check(client))
      backoffMs = isWell ? FIRST_BACKOFF_MS : Math.min(backoffMs * 2, CHECK_EVERY_MS)
      await pause(isWell ? CHECK_EVERY_MS : backoffMs)
    }
  }
  const running = run()

  const subscribe: ReadyKeeper['subscribe'] = (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return {
    status: () => status,
    serverVersion: () => serverVersion,
    subscribe,
    use: (next) => {
      client = next
      isInDoubt = true
      wake()
    },
    lose: (detail, isFinal) => {
      client = undefined
      change(isFinal ? 'failed' : 'down', detail)
    },
    insert: async (table, rows, token) => {
      // Not before the tables are up to date: an old table would refuse a new column, and good rows with it.
      if (client === undefined || !isUpToDate || isPaused) {
        return { kind: 'unavailable', detail: status.detail }
      }
      const inserted = await client.insert(table, rows, token)
      if (inserted.kind === 'unavailable') isInDoubt = true
      return inserted
    },
    migrate: async (signal) => {
      await untilReady(() => status, subscribe, signal)
      return [...applied]
    },
    doubt: () => {
      isInDoubt = true
    },
    setRetention: (next) => {
      retention = next
      isRetentionDue = true
      wake()
    },
    close: async () => {
      closing.abort()
      await running
      change('closed', 'The store is closed.')
      listeners.clear()
    },
  }
}

/** The cheapest question that needs credentials. Rejects when there is no answer. */
async function askVersion(server: StoreClient, signal: AbortSignal): Promise<string> {
  const parse = parseAs({ version: 'text' })
  const read = await server.select({ name: 'version', sql: 'SELECT version() AS version', parse }, signal)
  const [row] = read.kind === 'ok' ? read.value : []
  if (row === undefined) throw new Error(read.kind === 'unavailable' ? read.detail : 'no answer')
  return row.version
}

/** Resolves when the status is `ready`; rejects when it never will be, or when `signal` aborts. */
function untilReady(
  status: () => StoreStatus,
  subscribe: ReadyKeeper['subscribe'],
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      const { kind, detail } = status()
      if (kind === 'ready') resolve()
      else if (signal.aborted) reject(new Error(`The store did not become ready in time: ${detail}`))
      else if (kind === 'failed' || kind === 'closed') reject(new Error(detail))
      else return
      unsubscribe()
      signal.removeEventListener('abort', settle)
    }
    const unsubscribe = subscribe(settle)
    signal.addEventListener('abort', settle)
    settle()
  })
}
