import { openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compose, systemWorld } from '../compose.ts'
import type { App } from '../compose/app.ts'
import { formatFault } from '../config/fault.ts'
import { formatListen } from '../config/listen-address.ts'
import { loadConfig } from '../config/load-config.ts'
import type { ConfigSource } from '../config/load-config.ts'
import type { Closable } from '../domain/ports.ts'
import type { SimulatedModel } from '../simulator/model.ts'
import { startSimulator } from '../simulator/start-simulator.ts'

/** A simulated provider and a whole proxy in front of it, on free ports and in a directory of their own. */
export type DemoStage = Closable & {
  readonly app: App
  readonly proxyUrl: string
  readonly simulatorUrl: string
  /** Config, log, spool and store. */
  readonly dir: string
  /** Resolves once ClickHouse takes rows; rejects when it cannot, or `signal` aborts. */
  readonly storeReady: (signal: AbortSignal) => Promise<void>
  /** Takes the directory away; after `close`. */
  readonly discard: () => Promise<void>
}

/** What is played: whose models answer, and the part of the config below the ports and the store. */
export type DemoPlay = {
  readonly models?: readonly SimulatedModel[]
  readonly config: (simulatorUrl: string) => string
}

export async function openDemoStage(seed: number, version: string, play: DemoPlay = CALLS): Promise<DemoStage> {
  const dir = await mkdtemp(join(tmpdir(), 'understudy-demo-'))
  const discard = (): Promise<void> => rm(dir, { recursive: true, force: true })
  const simulator = await startSimulator({ seed, ...(play.models === undefined ? {} : { models: play.models }) })
  try {
    const source: ConfigSource = { file: join(dir, 'understudy.yaml'), environment: {}, baseDir: dir }
    await writeFile(source.file, STAGE_CONFIG + play.config(simulator.url))
    const loaded = await loadConfig(source)
    if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'))
    const app = await compose({
      source,
      loaded,
      world: systemWorld,
      instance: 'demo',
      version,
      logFd: openSync(join(dir, 'proxy.log'), 'a'),
    })
    return {
      app,
      proxyUrl: `http://${formatListen(app.data)}`,
      simulatorUrl: simulator.url,
      dir,
      storeReady: (signal) => storeReady(app, signal),
      discard,
      close: async () => {
        await app.close()
        await simulator.close()
      },
    }
  } catch (error) {
    await simulator.close()
    await discard()
    throw error
  }
}

const STAGE_CONFIG = `listen: 127.0.0.1:0
admin:
  listen: 127.0.0.1:0
data_dir: .
store:
  kind: embedded
  port: 0
shutdown_deadline: 5s
`

/** What an operator would write: both SDKs' providers are the simulator. */
const CALLS: DemoPlay = {
  config: (simulatorUrl) => `providers:
  openai:
    dialect: openai
    base_url: ${simulatorUrl}
    include_usage: true
    rate_limit_headers: openai
  anthropic:
    dialect: anthropic
    base_url: ${simulatorUrl}
    rate_limit_headers: anthropic
`,
}

function storeReady(app: App, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const { kind, detail } = app.storeStatus()
      if (kind === 'ready') settle(resolve)
      if (kind === 'failed') settle(() => reject(new Error(`ClickHouse cannot be started: ${detail}`)))
    }
    const giveUp = (): void => {
      const { kind, detail } = app.storeStatus()
      settle(() => reject(new Error(`ClickHouse is not ready (${kind}: ${detail})`, { cause: signal.reason })))
    }
    const settle = (then: () => void): void => {
      unsubscribe()
      signal.removeEventListener('abort', giveUp)
      then()
    }
    const unsubscribe = app.onStoreChange(look)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    else look()
  })
}
