import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import { findRunning } from './run-file.ts'
import type { Terminal } from './terminal.ts'
import { openQuietStore } from './quiet-store.ts'

/** How long a store may take to be up to date before the command gives up. */
const TIMEOUT_MS = 10 * 60_000

/** Brings the tables up to date and says what was done. The running proxy does the same by itself at its start. */
export async function migrate({ print, complain }: Terminal, config: Config): Promise<number> {
  if (config.boot.store.kind === 'embedded' && (await findRunning(config.boot)) !== undefined) {
    print('A proxy is running on this data directory; it has brought its tables up to date by itself.')
    return 0
  }
  const store = openQuietStore(config, systemWorld)
  try {
    const applied = await store.migrate(AbortSignal.timeout(TIMEOUT_MS))
    print(applied.length === 0 ? 'The tables were up to date.' : `Applied: ${applied.join(', ')}`)
    return 0
  } catch (error) {
    complain(`understudy: the tables are not up to date: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    await store.close()
  }
}
