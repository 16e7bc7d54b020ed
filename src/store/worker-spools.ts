import { readdirSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Closable } from '../domain/ports.ts'
import { SPOOLED_TABLES } from './segments.ts'
import { openSpool, type Spool, type SpoolOptions } from './spool.ts'

const WORKER = /^worker-(\d+)$/

/** The spool of worker `number`, below that of the proxy as a whole. */
export function workerSpoolDir(dir: string, number: number): string {
  return join(dir, `worker-${number}`)
}

/** Spools that nobody appends to any more. */
export type LeftSpools = Closable & { readonly spools: readonly Spool[] }

/**
 * Takes over the spools of workers beyond the first `workers`, which an earlier start with more of them left below
 * `dir`. `close` removes those that are empty. One that is in use or cannot be read is reported and left alone.
 */
export async function openLeftSpools(options: SpoolOptions, workers: number): Promise<LeftSpools> {
  const spools: Spool[] = []
  for (const name of namesIn(options.dir)) {
    if (!(Number(WORKER.exec(name)?.[1]) > workers)) continue
    const dir = join(options.dir, name)
    try {
      spools.push(await openSpool({ ...options, dir }))
    } catch (error) {
      options.log.error('spool_not_recovered', { dir, error: String(error) })
    }
  }
  return {
    spools,
    close: async () => {
      for (const spool of spools) await spool.close()
      await Promise.all(spools.map(({ dir }) => removeIfEmpty(dir)))
    },
  }
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
  } catch {
    return [] // the first start
  }
}

/** Removes directories only, so that whatever is left in one keeps it. */
async function removeIfEmpty(dir: string): Promise<void> {
  try {
    for (const table of SPOOLED_TABLES) await rmdir(join(dir, table))
    await rmdir(dir)
  } catch {
    // Rows that wait, or that were set aside.
  }
}
