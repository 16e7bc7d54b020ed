import type { Closable, World } from '../../domain/ports.ts'
import type { StoreClient } from '../client.ts'
import { describeStoreError } from '../insert-failure.ts'
import { textField } from '../row-fields.ts'
import { eraseDead } from './erase-dead.ts'
import { type ErasedRows, eraseUser, type Erasure } from './erase-user.ts'

/** The erasure that runs or ran last in this process. Says nothing of whom. */
export type EraseStatus =
  | { readonly kind: 'idle'; readonly tables: readonly ErasedRows[] }
  | { readonly kind: 'running'; readonly tables: readonly ErasedRows[] }
  | { readonly kind: 'done'; readonly isDryRun: boolean; readonly tables: readonly ErasedRows[] }
  /** `tables` are done; begin it again for the others. */
  | { readonly kind: 'failed'; readonly detail: string; readonly tables: readonly ErasedRows[] }

/** Erases people in the background, one at a time. */
export type EraseJob = Closable & {
  /** `settled` resolves when all rows made before now are stored; it rejects when that cannot come to pass. */
  readonly start: (
    erasure: Erasure,
    settled: (signal: AbortSignal) => Promise<void>,
  ) => 'started' | 'busy' | 'unavailable'
  readonly status: () => EraseStatus
}

export type EraseJobOptions = {
  /** As the owner of the tables; undefined while there is no server. */
  readonly client: () => StoreClient | undefined
  readonly spoolDir: string
  readonly newId: World['newId']
}

export function openEraseJob({ client, spoolDir, newId }: EraseJobOptions): EraseJob {
  const closing = new AbortController()
  const holder = newId()
  let status: EraseStatus = { kind: 'idle', tables: [] }
  let running: Promise<void> = Promise.resolve()

  const run = async (
    owner: StoreClient,
    asked: Erasure,
    settled: (signal: AbortSignal) => Promise<void>,
    tables: ErasedRows[],
  ): Promise<void> => {
    const erasure = { ...asked, user: textField(asked.user) } // as rows have it
    const { signal } = closing
    try {
      // First the rows on their way: what is erased is what is in the tables.
      await settled(signal)
      const onDone = (table: ErasedRows): void => void tables.push(table)
      await eraseUser({ client: owner, erasure, id: newId(), holder, onDone, signal })
      const files = await eraseDead(spoolDir, erasure.user, erasure.isDryRun)
      tables.push({ table: 'spool/dead (files)', rows: files, action: 'deleted' })
      status = { kind: 'done', isDryRun: erasure.isDryRun, tables }
    } catch (error) {
      const detail = signal.aborted ? 'The store was closed meanwhile.' : describeStoreError(error)
      status = { kind: 'failed', detail, tables }
    }
  }

  return {
    status: () => status,
    start: (erasure, settled) => {
      if (status.kind === 'running') return 'busy'
      const owner = client()
      if (owner === undefined || closing.signal.aborted) return 'unavailable'
      const tables: ErasedRows[] = []
      status = { kind: 'running', tables }
      running = run(owner, erasure, settled, tables)
      return 'started'
    },
    close: async () => {
      closing.abort()
      await running
    },
  }
}
