import { availableParallelism, hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ConfigSource, Loaded } from '../config/load-config.ts'
import { compose, systemWorld } from '../compose.ts'
import type { App, AppOptions } from '../compose/app.ts'
import { allocateYoung } from './allocate-young.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { banner, storeLine } from './banner.ts'
import { configNotices } from '../compose/config-notices.ts'
import { dieLoudly } from './die-loudly.ts'
import type { Terminal } from './terminal.ts'
import { forgetRunning, rememberRunning } from './run-file.ts'

const STDERR_FD = 2
/** `npm start` passes on what a terminal or a service manager has sent to this process as well: within this, one wish. */
const NPM_ECHO_MS = 500
const WORKER_MAIN = fileURLToPath(new URL('worker-process.ts', import.meta.url))

/**
 * Runs the proxy until SIGTERM or SIGINT; a second one stops it at once. SIGHUP reads the config file again. The
 * banner goes to stdout and log lines to stderr, so that either can be piped away. `workersAsked` wins over the config's
 * number of workers.
 */
export async function serve(
  terminal: Terminal,
  source: ConfigSource,
  loaded: Loaded,
  workersAsked: number | 'auto' | undefined,
): Promise<number> {
  const { process } = terminal
  const { boot } = loaded.config
  allocateYoung()
  const asked = workersAsked ?? boot.workers
  const workers = asked === 'auto' ? availableParallelism() : asked
  const options: AppOptions = {
    source,
    loaded,
    world: systemWorld,
    // Port 0 is any free one, known only later; the process id tells as well.
    instance: `${hostname()}:${boot.data.port === 0 ? `pid-${process.pid}` : boot.data.port}`,
    version: terminal.version,
    logFd: STDERR_FD,
  }
  const app = workers === 1 ? await compose(options) : await composeWorkers(options, workers)
  dieLoudly(process, app)
  // Before anyone is told that the proxy runs: a signal without a handler would end it on the spot.
  process.on('SIGHUP', () => void app.reload())
  const stopped = firstStopSignal(process)
  try {
    await rememberRunning(boot, { pid: process.pid, admin: app.admin, key: app.runKey, token: boot.admin.token })
  } catch (error) {
    await app.close() // else it would serve on behind a message that it failed, and take signals for granted
    throw error
  }
  const { config } = loaded
  const notices = configNotices(config.policy, createPriceBook(config.policy).price, systemWorld.now())
  for (const line of banner({ app, source, config, version: terminal.version, notices })) terminal.print(line)
  tellWhenStored(terminal, app, boot.dataDir)
  app.log.info('started', { version: terminal.version, policy: loaded.version, pid: process.pid })
  await stopped
  terminal.print('Stopping: finishing what is under way. Once more to stop at once.')
  stopAtOnceOnNext(process)
  const { cutRequests, spooledRows } = await app.close()
  await forgetRunning(boot)
  if (cutRequests > 0) terminal.print(`${cutRequests} requests had not finished within the deadline and were cut.`)
  terminal.print(lastLine(boot.store.kind !== 'none', spooledRows))
  return process.exit(0) // a client that never closes its connection must not keep the process
}

/** Loaded only where there are several, so that a single process is what it would be without. */
async function composeWorkers(options: AppOptions, workers: number): Promise<App> {
  const { composePrimary } = await import('../compose/compose-primary.ts')
  return composePrimary(options, workers, WORKER_MAIN)
}

function lastLine(isRecording: boolean, spooledRows: number): string {
  if (!isRecording) return 'Stopped; nothing was recorded (store.kind is none).'
  return spooledRows === 0
    ? 'Stopped; every row is stored.'
    : `Stopped; ${spooledRows} rows wait in the spool for the next start.`
}

function firstStopSignal(process: NodeJS.Process): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}

function stopAtOnceOnNext(process: NodeJS.Process): void {
  const from = systemWorld.monotonic() + (process.env['npm_lifecycle_event'] === 'start' ? NPM_ECHO_MS : 0)
  const stop = (): void => {
    if (systemWorld.monotonic() >= from) process.exit(1)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
}

/** The store starts beside the proxy, which serves and spools meanwhile; this says when it is there. */
function tellWhenStored(terminal: Terminal, app: App, dataDir: string): void {
  const unsubscribe = app.onStoreChange(() => {
    const { kind } = app.storeStatus()
    if (kind === 'starting' || kind === 'migrating') return
    if (kind === 'ready' || kind === 'failed') unsubscribe()
    terminal.print(storeLine(app, dataDir))
  })
}
