import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../domain/policy.ts'
import { withQuietStore } from './quiet-store.ts'
import { askAdmin } from './read-admin.ts'
import { findRunning } from './run-file.ts'
import type { Terminal } from './terminal.ts'

export type RebuildOptions = { readonly from?: string; readonly to?: string }

const LOOK_EVERY_MS = 500

/** Makes the rollups anew out of the rows, by the running proxy where there is one, and tells how far it is. */
export async function rebuildRollups(terminal: Terminal, config: Config, range: RebuildOptions): Promise<number> {
  const running = await findRunning(config.boot)
  if (running === undefined) return rebuildHere(terminal, config, range)
  const { from, to } = range
  const query = new URLSearchParams({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) })
  await askAdmin(running, `/admin/rollups?${query.toString()}`, { method: 'POST' })
  return watch(terminal, () => askAdmin(running, '/admin/rollups', {}))
}

function rebuildHere(terminal: Terminal, config: Config, { from, to }: RebuildOptions): Promise<number> {
  // No proxy has the engine while this command does; a server may have others.
  const isAlone = config.boot.store.kind === 'embedded'
  return withQuietStore(config, async (store) => {
    if (store.rebuild.start({ from, to }, isAlone) !== 'started') throw new Error(store.status().detail)
    return watch(terminal, async () => {
      const { kind, ...facts } = store.rebuild.status()
      return { state: kind, ...facts }
    })
  })
}

/** Prints what changes until it is over. Exit code 1 when it failed. */
async function watch({ print, complain }: Terminal, look: () => Promise<unknown>): Promise<number> {
  let last = ''
  for (;;) {
    const seen = await look()
    const [line, code] = lineOf(seen)
    if (code === 1) complain(line)
    else if (line !== last) print(line)
    if (code !== undefined) return code
    last = line
    await delay(LOOK_EVERY_MS)
  }
}

/** What to print of a state, and the exit code when it is the last one. */
function lineOf(seen: unknown): readonly [line: string, code: 0 | 1 | undefined] {
  const state = typeof seen === 'object' && seen !== null ? new Map<string, unknown>(Object.entries(seen)) : new Map()
  const days: unknown = state.get('days')
  switch (state.get('state')) {
    case 'running':
      return days === 0
        ? ['Aggregating the rows, then waiting until every proxy has paused its writing …', undefined]
        : [
            `${String(state.get('rebuilt'))} of ${String(days)} days rebuilt (each counted once per fact table)`,
            undefined,
          ]
    case 'done': {
      const list = Array.isArray(days) ? days.map(String) : []
      return [list.length === 0 ? 'There are no rows to rebuild rollups from.' : `Rebuilt: ${list.join(', ')}`, 0]
    }
    default:
      return [
        `understudy: the rollups were not rebuilt: ${String(state.get('detail') ?? 'the proxy has lost sight of it')}`,
        1,
      ]
  }
}
