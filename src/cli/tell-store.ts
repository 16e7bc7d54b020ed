import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import type { Store } from '../store/store.ts'
import { openQuietStore } from './quiet-store.ts'
import { askAdmin } from './read-admin.ts'
import { findRunning } from './run-file.ts'

const READY_TIMEOUT_MS = 90_000

/** Rows for the store: handed to the admin API of the running proxy, or to the store itself when none runs. */
export type Telling = {
  /** Path of the admin API. */
  readonly path: string
  /** Body of the POST. */
  readonly json: unknown
  /** The same, straight to the store. */
  readonly toStore: (
    store: Store,
  ) => Promise<{ readonly kind: 'kept' } | { readonly kind: 'unavailable'; readonly detail: string }>
}

/** Keeps rows; where the config records nothing, nothing happens. Throws with a sentence for the terminal. */
export async function tellStore(config: Config, { path, json, toStore }: Telling): Promise<void> {
  const running = await findRunning(config.boot)
  if (running !== undefined) {
    const headers = { 'content-type': 'application/json' }
    await askAdmin(running, path, { method: 'POST', headers, body: JSON.stringify(json) })
    return
  }
  if (config.boot.store.kind === 'none') return
  const store = openQuietStore(config, systemWorld)
  try {
    await store.migrate(AbortSignal.timeout(READY_TIMEOUT_MS))
    const kept = await toStore(store)
    if (kept.kind === 'unavailable') throw new Error(kept.detail)
  } finally {
    await store.close()
  }
}
