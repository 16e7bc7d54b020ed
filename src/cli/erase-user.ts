import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Table from 'cli-table3'
import { timeOf } from '../admin/erase.ts'
import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import { recordIn, rowsIn, textIn } from './json-rows.ts'
import { withQuietStore } from './quiet-store.ts'
import { askAdmin } from './read-admin.ts'
import { findRunning } from './run-file.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'

export type EraseOptions = { readonly user: string; readonly before?: string; readonly dryRun?: boolean }

const LOOK_EVERY_MS = 500

/**
 * Deletes or anonymises all rows of a user, by the running proxy where there is one, and tells how many of each table.
 * Exit code 1 when anything is left undone.
 */
export async function eraseUser(terminal: Terminal, config: Config, options: EraseOptions): Promise<number> {
  const { user, before, dryRun = false } = options
  if (user === '') throw new Error('--user: expected whom to erase, found an empty text; nothing was changed')
  const running = await findRunning(config.boot)
  if (running === undefined) return eraseHere(terminal, config, options)
  await askAdmin(running, '/admin/erasure', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, before, dry_run: dryRun }),
  })
  return watch(terminal, dryRun, () => askAdmin(running, '/admin/erasure', {}))
}

async function eraseHere(terminal: Terminal, config: Config, options: EraseOptions): Promise<number> {
  // What is spooled would come back when the proxy starts.
  if (await hasSpooledRows(join(config.boot.dataDir, 'spool'))) {
    throw new Error(
      'rows wait in the spool: start the proxy, so that they are stored, and erase then; nothing was changed',
    )
  }
  const { user, before, dryRun: isDryRun = false } = options
  return withQuietStore(config, async (store) => {
    const at = before === undefined ? systemWorld.now() : (timeOf(before) ?? 0)
    if (store.erase.start({ user, before: at, isDryRun }, async () => undefined) !== 'started') {
      throw new Error(store.status().detail)
    }
    return watch(terminal, isDryRun, async () => {
      const { kind, ...facts } = store.erase.status()
      return { erasure: { state: kind, ...facts } }
    })
  })
}

async function hasSpooledRows(dir: string): Promise<boolean> {
  const names = await readdir(dir, { recursive: true }).catch(() => [])
  return names.some((name) => name.endsWith('.ndjson') || name.endsWith('.open'))
}

async function watch({ print, complain }: Terminal, isDryRun: boolean, look: () => Promise<unknown>): Promise<number> {
  for (;;) {
    const erasure = recordIn(await look(), 'erasure')
    const state = textIn(erasure, 'state')
    if (state === 'running') {
      await delay(LOOK_EVERY_MS)
      continue
    }
    const table = new Table({
      head: ['table', 'rows', isDryRun ? 'would be' : 'were'],
      style: { head: [], border: [] },
    })
    for (const row of rowsIn(erasure, 'tables')) {
      table.push([textIn(row, 'table'), textIn(row, 'rows'), textIn(row, 'action')])
    }
    if (table.length > 0) print(tableText(table))
    if (state !== 'done') {
      complain(`understudy: not everything was erased: ${textIn(erasure, 'detail')} Erase again for the rest.`)
      return 1
    }
    if (!isDryRun) {
      print(
        'Requests of this user that were under way, and rows spooled by other proxies, are not in it: erase again within seven days for them.',
      )
      print('ClickHouse deletes the old files within about eight minutes.')
    }
    return 0
  }
}
