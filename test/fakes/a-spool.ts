import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { SpooledTable } from '../../src/store/insert.ts'
import { forEachTable } from '../../src/store/segments.ts'
import { openSpool, type Spool, type SpoolOptions } from '../../src/store/spool.ts'
import { quietLog } from './clickhouse.ts'
import { realWorld } from './real-world.ts'

/** A directory that is gone when the test is over. */
export function aDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-spool-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** What `aSpool` writes on the first line of every segment, unless it is told otherwise. */
export const NAMES = '["id"]\n'

/** A spool of the real kind, closed when the test is over. It closes no segment by age within a test. */
export async function aSpool(options: Partial<SpoolOptions> = {}): Promise<Spool> {
  const spool = await openSpool({
    dir: options.dir ?? aDirectory(),
    maxBytes: 1e9,
    columns: forEachTable(() => ['id']),
    maxAgeMs: 600_000,
    world: realWorld,
    log: quietLog,
    ...options,
  })
  onTestFinished(() => spool.close())
  return spool
}

/** What a kill would leave of `dir`: every file as it is at this moment, and no lock, as its holder runs no more. */
export function afterKill(dir: string, into = aDirectory()): string {
  cpSync(dir, into, { recursive: true, filter: (source) => !basename(source).startsWith('lock.') })
  return into
}

/** Appends `lines` to `table` and resolves when they are released. */
export function appended(spool: Spool, table: SpooledTable, ...lines: readonly string[]): Promise<void> {
  return new Promise((resolve) =>
    spool.append(
      lines.map((line) => ({ table, line })),
      resolve,
    ),
  )
}
