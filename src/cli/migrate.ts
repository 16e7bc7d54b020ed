import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import { migrationStatements } from '../store/migrate.ts'
import { findRunning } from './run-file.ts'
import type { Terminal } from './terminal.ts'
import { openQuietStore } from './quiet-store.ts'

export type MigrateOptions = { readonly print?: boolean; readonly cluster?: string }

/** How long a store may take to be up to date before the command gives up. */
const TIMEOUT_MS = 10 * 60_000

/**
 * Brings the tables up to date and says what was done, or with `print` only prints the statements that would make them
 * all. The running proxy migrates by itself at its start.
 */
export async function migrate({ print, complain }: Terminal, config: Config, options: MigrateOptions): Promise<number> {
  if (options.print === true) {
    for (const statement of statementsOf(config, options)) print(`${statement};\n`)
    return 0
  }
  if (options.cluster !== undefined) {
    complain('understudy: --cluster goes with --print; to make tables on a cluster, set store.cluster in the config.')
    return 1
  }
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

function statementsOf({ boot, policy }: Config, options: MigrateOptions): readonly string[] {
  const { store } = boot
  const url = store.kind === 'url' ? store : undefined
  return migrationStatements({
    database: url?.database ?? 'understudy',
    cluster: options.cluster ?? url?.cluster,
    retention: policy.retention,
  })
}
