import { join } from 'node:path'
import { openClient, type StoreClient } from '../../src/store/client.ts'
import { launch } from '../../src/store/embedded/launch.ts'
import { ENGINE_READY_MS } from './clickhouse.ts'

/** The store that a proxy or a demo has left in its data directory, as its user who may only read. */
export type KeptStore = { readonly client: StoreClient; readonly close: () => Promise<void> }

/** Opens it; rejects while another process has it. */
export async function openKeptStore(dataDir: string): Promise<KeptStore> {
  const launched = await launch({
    dir: join(dataDir, 'clickhouse'),
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
  const client = openClient({ url: engine.url, username: 'ro', password: 'ro', database: 'understudy' })
  return {
    client,
    close: async () => {
      await client.close()
      await engine.stop()
    },
  }
}
