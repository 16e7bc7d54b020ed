import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compose, systemWorld } from '../../src/compose.ts'
import type { AppOptions } from '../../src/compose/app.ts'
import { formatFault } from '../../src/config/fault.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { World } from '../../src/domain/ports.ts'
import type { Settings } from './proxy-process.ts'
import { seedStore } from './store-template.ts'

/** How long a slow machine may take to start the engine or to store a row. */
const PATIENCE_MS = 60_000
const POLL_MS = 50

/** The whole proxy with its embedded store, in this process, so that a test can give it a clock. */
export type TestApp = {
  readonly url: string
  readonly adminUrl: string
  readonly configFile: string
  readonly log: () => string
  /** Rows of a query in the embedded store, as the user who may only read. */
  readonly rows: (sql: string) => Promise<readonly Row[]>
  /** Waits until so many rows answer `sql`; takes what there is when they do not come. */
  readonly rowsOf: (sql: string, atLeast: number) => Promise<readonly Row[]>
  readonly close: () => Promise<void>
}

/** Integers as numbers, decimals as text. */
export type Row = Readonly<Record<string, unknown>>

/** Starts it on free ports and in a directory of its own. `settings` as in the config file, `pace` as of the app. */
export async function startApp(
  settings: Settings,
  world: World = systemWorld,
  pace: Pick<AppOptions, 'readingsEveryMs'> = {},
): Promise<TestApp> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-app-'))
  const file = join(dir, 'understudy.yaml')
  const logFile = join(dir, 'log')
  const fixed = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, data_dir: join(dir, 'data') }
  seedStore(join(dir, 'data/clickhouse'))
  writeFileSync(file, JSON.stringify({ ...fixed, store: { kind: 'embedded', port: 0 }, ...settings })) // JSON is YAML
  const source = { file, environment: {}, baseDir: dir }
  const loaded = await loadConfig(source)
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'))
  const logFd = openSync(logFile, 'a')
  const app = await compose({ source, loaded, world, instance: 'test', version: 'test', logFd, ...pace })
  await until('the store is ready', () => app.storeStatus().kind === 'ready')
  const rows: TestApp['rows'] = async (sql) => {
    const access = app.storeAccess()
    if (access?.readOnly === undefined) throw new Error('the store is gone')
    const url = new URL('?output_format_json_quote_64bit_integers=0&output_format_json_quote_decimals=1', access.url)
    const { username, password } = access.readOnly
    const headers = { 'x-clickhouse-user': username, 'x-clickhouse-key': password }
    const answer = await fetch(url, { method: 'POST', headers, body: `${sql} FORMAT JSON` })
    if (!answer.ok) throw new Error(await answer.text())
    const { data }: { data: readonly Row[] } = JSON.parse(await answer.text())
    return data
  }
  return {
    url: `http://127.0.0.1:${app.data.port}`,
    adminUrl: `http://127.0.0.1:${app.admin.port}`,
    configFile: file,
    log: () => readFileSync(logFile, 'utf8'),
    rows,
    rowsOf: async (sql, atLeast) => {
      let found = await rows(sql)
      const deadline = performance.now() + PATIENCE_MS
      while (found.length < atLeast && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
        found = await rows(sql)
      }
      return found
    },
    close: async () => {
      await app.close()
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited too long until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
