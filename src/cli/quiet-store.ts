import type { Config } from '../domain/policy.ts'
import type { Log, World } from '../domain/ports.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'

const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** The store of `config`, opened by a command of its own that says itself what went wrong. */
export function openQuietStore({ boot, policy }: Config, world: World): Store {
  return openStore({ settings: boot.store, dataDir: boot.dataDir, retention: policy.retention, world, log: SILENT })
}
