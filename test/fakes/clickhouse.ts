import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../src/domain/ports.ts'
import type { Retention } from '../../src/domain/policy.ts'
import { openClient, type StoreClient } from '../../src/store/client.ts'
import { type Engine, launch } from '../../src/store/embedded/launch.ts'
import { migrate } from '../../src/store/migrate.ts'
import { realWorld } from './real-world.ts'
import { seedStore } from './store-template.ts'

/** How long a slow machine may take to load the engine. */
export const ENGINE_READY_MS = 60_000

export const quietLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** As of a config that says nothing of it. */
export const aRetention: Retention = {
  tracesDays: 90,
  attemptsDays: 90,
  contentsDays: 14,
  quarantineDays: 30,
  rollupMinutesDays: 90,
  rollupHoursDays: 730,
}

/** A real ClickHouse in a directory of its own, for one test file. */
export type TestEngine = {
  readonly engine: Engine
  readonly dir: string
  /** A client as the owner of everything, for `database`; closed with the engine. */
  readonly client: (database?: string) => StoreClient
  /** A client as the user who may only read database `understudy`. */
  readonly reader: () => StoreClient
  /** A client for `database` with all migrations applied. */
  readonly migrated: (database?: string) => Promise<StoreClient>
  readonly close: () => Promise<void>
}

export async function startTestEngine(): Promise<TestEngine> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-store-'))
  seedStore(dir)
  const launched = await launch({
    dir,
    port: 0,
    maxMemoryBytes: 1_500_000_000,
    maxThreads: 2,
    database: 'understudy',
    appPassword: 'app',
    roPassword: 'ro',
    readyTimeoutMs: ENGINE_READY_MS,
    signal: new AbortController().signal,
  })
  if (launched.kind === 'failed') throw new Error(launched.detail)
  const { engine } = launched
  const clients: StoreClient[] = []
  const open = (user: 'app' | 'ro', database: string): StoreClient => {
    const opened = openClient({ url: engine.url, username: user, password: user, database })
    clients.push(opened)
    return opened
  }
  const client = (database = 'understudy'): StoreClient => open('app', database)
  return {
    engine,
    dir,
    client,
    reader: () => open('ro', 'understudy'),
    migrated: async (database = 'understudy') => {
      const opened = client(database)
      const { signal } = new AbortController()
      await migrate({
        client: opened,
        retention: aRetention,
        instance: 'test',
        log: quietLog,
        monotonic: realWorld.monotonic,
        signal,
      })
      return opened
    },
    close: async () => {
      await Promise.all(clients.map((opened) => opened.close()))
      await engine.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
