import type { Retention } from '../../domain/policy.ts'
import type { Closable } from '../../domain/ports.ts'
import type { StoreClient } from '../client.ts'
import { describeStoreError } from '../insert-failure.ts'
import { type DayRange, rebuildRollups } from './rebuild.ts'

/** The rebuild that runs or ran last in this process. */
export type RebuildStatus =
  | { readonly kind: 'idle' }
  /** `days` is 0 while the rows are still being aggregated. */
  | { readonly kind: 'running'; readonly days: number; readonly rebuilt: number }
  | { readonly kind: 'done'; readonly days: readonly string[] }
  | { readonly kind: 'failed'; readonly detail: string }

/** Rebuilds the rollups in the background, one rebuild at a time. */
export type RebuildJob = Closable & {
  /** `isAlone`: no proxy writes to the store meanwhile, so that nobody need be waited for. */
  readonly start: (range: DayRange, isAlone?: boolean) => 'started' | 'busy' | 'unavailable'
  readonly status: () => RebuildStatus
}

export type RebuildJobOptions = {
  /** As the owner of the tables; undefined while there is no server. */
  readonly client: () => StoreClient | undefined
  readonly retention: () => Retention
  readonly holder: string
}

export function openRebuildJob({ client, retention, holder }: RebuildJobOptions): RebuildJob {
  const closing = new AbortController()
  let status: RebuildStatus = { kind: 'idle' }
  let running: Promise<void> = Promise.resolve()

  const run = async (owner: StoreClient, range: DayRange, isAlone: boolean): Promise<void> => {
    try {
      const days = await rebuildRollups({
        client: owner,
        range,
        retention: retention(),
        holder,
        onProgress: (progress) => {
          status = { kind: 'running', ...progress }
        },
        signal: closing.signal,
        ...(isAlone ? { quietMs: 0 } : {}),
      })
      status = { kind: 'done', days }
    } catch (error) {
      const detail = closing.signal.aborted ? 'The store was closed meanwhile.' : describeStoreError(error)
      status = { kind: 'failed', detail }
    }
  }

  return {
    status: () => status,
    start: (range, isAlone = false) => {
      if (status.kind === 'running') return 'busy'
      const owner = client()
      if (owner === undefined || closing.signal.aborted) return 'unavailable'
      status = { kind: 'running', days: 0, rebuilt: 0 }
      running = run(owner, range, isAlone)
      return 'started'
    },
    close: async () => {
      closing.abort()
      await running
    },
  }
}
