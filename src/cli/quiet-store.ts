import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import type { Log, World } from '../domain/ports.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { lostForLong } from './lost-for-long.ts'

const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** An embedded engine may have to be read from a cold disk first; a server is there, or it is not. */
const READY_TIMEOUT_MS = { embedded: 90_000, url: 20_000 }
/** Another command lets go of the data in a second or two. A proxy that does not answer keeps it: no use to wait. */
const HELD_MS = 10_000

/** The store of `config`, opened by a command of its own that says itself what went wrong. */
export function openQuietStore({ boot, policy }: Config, world: World): Store {
  return openStore({ settings: boot.store, dataDir: boot.dataDir, retention: policy.retention, world, log: SILENT })
}

/**
 * Opens the store of `config` where no proxy runs, brings it up to date, and closes it after `use`. Throws with a sentence
 * for the terminal where nothing is recorded, nothing ever was, or the server does not answer.
 */
export async function withQuietStore<T>(config: Config, use: (store: Store) => Promise<T>): Promise<T> {
  const { store: settings, dataDir } = config.boot
  if (settings.kind === 'none') throw new Error('this config records nothing (store.kind is none)')
  // Opening it would make it: an empty answer, and a directory that nobody wants.
  if (settings.kind === 'embedded' && !existsSync(join(dataDir, 'clickhouse', 'data'))) {
    throw new Error(
      `nothing is recorded in ${dataDir}, the data_dir of this config: no proxy has run on it. ` +
        'Start one (understudy serve), or name the config of the one that you mean with -c <file>.',
    )
  }
  const store = openQuietStore(config, systemWorld)
  const lost = lostForLong(store, HELD_MS)
  try {
    await store
      .migrate(AbortSignal.any([AbortSignal.timeout(READY_TIMEOUT_MS[settings.kind]), lost.signal]))
      .catch((cause: unknown) => {
        const said = cause instanceof Error ? cause.message : String(cause)
        const where = settings.kind === 'url' ? `ClickHouse at ${store.access()?.url ?? ''} (store.url): ` : ''
        throw new Error(where + said, { cause })
      })
    return await use(store)
  } finally {
    lost.forget()
    await store.close()
  }
}
