import { join } from 'node:path'
import type { Retention, StoreSettings } from '../domain/policy.ts'
import type { Closable, Log, World } from '../domain/ports.ts'
import { openAuditRecords } from './audit-records.ts'
import { openClient, type Select, type StoreAddress, type StoreClient } from './client.ts'
import { keptPassword, newPassword } from './embedded/passwords.ts'
import { type EngineStatus, supervise } from './embedded/supervise.ts'
import { openJournal } from './journal.ts'
import { openEraseJob } from './erase/erase-job.ts'
import { openFeedbackStore } from './feedback-store.ts'
import { openKeepCalibrations } from './keep-calibrations.ts'
import { keepReady } from './keep-ready.ts'
import { noStore } from './no-store.ts'
import { openQueries } from './query/run-query.ts'
import { openReads } from './read.ts'
import { openRolloutStore } from './rollout-store.ts'
import { openRebuildJob } from './rollups/rebuild-job.ts'
import type { Store } from './store.ts'

export type OpenStoreOptions = {
  readonly settings: StoreSettings
  /** Absolute. The embedded engine lives in `<dataDir>/clickhouse`. */
  readonly dataDir: string
  readonly retention: Retention
  readonly world: World
  readonly log: Log
}

/** Database of the embedded engine. */
const DATABASE = 'understudy'

/**
 * Opens the store and returns at once; it becomes available, and comes back after every outage, by itself. Throws
 * only when the data directory cannot be written.
 */
export function openStore(options: OpenStoreOptions): Store {
  switch (options.settings.kind) {
    case 'none':
      return noStore()
    case 'url':
      return openServer(options, options.settings)
    case 'embedded':
      return openEmbedded(options, options.settings)
  }
}

function openServer(options: OpenStoreOptions, address: StoreAddress): Store {
  const connection = connect(address, address)
  const store = keptStore(options, address.database)
  store.use(connection)
  return {
    ...store.face,
    writer: () => connection.owner.address,
    access: () => ({ url: withoutCredentials(address.url), database: address.database, readOnly: undefined }),
    close: async () => {
      await store.face.close()
      await connection.close()
    },
  }
}

function openEmbedded(options: OpenStoreOptions, settings: StoreSettings & { readonly kind: 'embedded' }): Store {
  const app = { username: 'app', password: newPassword(), database: DATABASE }
  const ro = {
    username: 'ro',
    password: keptPassword(join(options.dataDir, 'clickhouse-ro-password')),
    database: DATABASE,
  }
  const store = keptStore(options, DATABASE)
  const clients: Connection[] = []
  let current: Connection | undefined

  const onChange = (engine: EngineStatus): void => {
    switch (engine.kind) {
      case 'running':
        // The port is kept over restarts as long as nobody takes it, and with it the clients.
        if (current?.owner.address.url !== engine.url) {
          current = connect({ ...app, url: engine.url }, { ...ro, url: engine.url })
          clients.push(current)
        }
        return store.use(current)
      case 'down':
      case 'failed':
        return store.lose(engine.detail, engine.kind === 'failed')
      case 'starting':
      case 'closed':
        return
    }
  }
  const engine = supervise({
    dir: join(options.dataDir, 'clickhouse'),
    port: settings.port,
    maxMemoryBytes: settings.maxMemoryBytes,
    maxThreads: 2,
    database: DATABASE,
    appPassword: app.password,
    roPassword: ro.password,
    readyTimeoutMs: 60_000,
    world: options.world,
    log: options.log,
    onChange,
  })
  return {
    ...store.face,
    writer: () => current?.owner.address,
    access: () => {
      if (current === undefined) return undefined
      const { username, password } = ro
      return { url: current.owner.address.url, database: DATABASE, readOnly: { username, password } }
    },
    close: async () => {
      await store.face.close()
      // Connections before the engine: it would wait for them.
      await Promise.all(clients.map((client) => client.close()))
      await engine.close()
    },
  }
}

/** Who writes and who reads. */
type Connection = Closable & { readonly owner: StoreClient; readonly reader: StoreClient }

function connect(owner: StoreAddress, reader: StoreAddress): Connection {
  const clients = { owner: openClient(owner), reader: openClient(reader) }
  return {
    ...clients,
    close: async () => {
      await Promise.all([clients.owner.close(), clients.reader.close()])
    },
  }
}

/** A store over whatever connection there is just now. */
function keptStore(options: OpenStoreOptions, database: string) {
  let reader: StoreClient | undefined
  let owner: StoreClient | undefined
  let { retention } = options
  const keeper = keepReady(options)
  const rebuild = openRebuildJob({ client: () => owner, retention: () => retention, holder: options.world.newId() })
  const { newId } = options.world
  const erase = openEraseJob({ client: () => owner, spoolDir: join(options.dataDir, 'spool'), newId })
  const select: Select = async (query, signal) =>
    reader === undefined ? { kind: 'unavailable', detail: keeper.status().detail } : reader.select(query, signal)
  const query = openQueries(
    () => reader,
    () => keeper.status().detail,
  )
  return {
    use: (connection: Connection): void => {
      reader = connection.reader
      owner = connection.owner
      keeper.use(connection.owner)
    },
    lose: (detail: string, isFinal: boolean): void => {
      owner = undefined
      keeper.lose(detail, isFinal)
    },
    face: {
      insert: keeper.insert,
      select,
      reads: openReads(select, database),
      query,
      rebuild,
      erase,
      keepCalibrations: openKeepCalibrations(() => owner),
      audits: openAuditRecords(() => owner),
      journal: openJournal(() => owner),
      rollouts: openRolloutStore(() => owner, select, database),
      feedback: openFeedbackStore(() => owner, select, database),
      status: keeper.status,
      serverVersion: keeper.serverVersion,
      subscribe: keeper.subscribe,
      migrate: keeper.migrate,
      doubt: keeper.doubt,
      setRetention: (next: Retention): void => {
        retention = next
        keeper.setRetention(next)
      },
      close: async () => {
        await rebuild.close()
        await erase.close()
        await keeper.close()
      },
    },
  }
}

function withoutCredentials(url: string): string {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  bare.search = ''
  return bare.href.replace(/\/$/, '')
}
