import { cpSync } from 'node:fs'
import { basename, join } from 'node:path'
import { startTestEngine } from './clickhouse.ts'
import { makeStoreTemplate } from './store-template.ts'

/** What belongs to the process that had the directory, not to the data in it. */
const OF_ITS_PROCESS: ReadonlySet<string> = new Set(['status', 'tmp', 'preprocessed_configs'])

/** Before the first test of a run, where the tree has changed since the last one: see `store-template.ts`. */
export async function setup(): Promise<void> {
  try {
    await makeStoreTemplate(migratedEngine)
  } catch {
    // No engine here, or a migration that does not run: the tests that need them say so.
  }
}

async function migratedEngine(dir: string): Promise<void> {
  const started = await startTestEngine()
  try {
    const client = await started.migrated()
    // A part for every file of a migration, otherwise, in every copy.
    for (const table of ['leases', 'migrations']) {
      await client.command(`OPTIMIZE TABLE ${client.address.database}.${table} FINAL`)
    }
    await started.engine.stop()
    const filter = (path: string): boolean => !OF_ITS_PROCESS.has(basename(path))
    cpSync(join(started.dir, 'data'), dir, { recursive: true, verbatimSymlinks: true, filter })
  } finally {
    await started.close()
  }
}
