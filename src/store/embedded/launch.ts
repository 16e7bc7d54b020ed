import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findFreePort } from './free-port.ts'
import { explainFailedStart, type LaunchFailure, unsupportedPlatform, unwritableDirectory } from './launch-failure.ts'
import { type ServerConfig, serverConfigXml, usersConfigXml } from './server-config.ts'

export type LaunchOptions = ServerConfig & {
  /** Given up after this long without an answer to /ping. A cold disk reads 540 MB of library first. */
  readonly readyTimeoutMs: number
  /** Ends the attempt, and the child with it. */
  readonly signal: AbortSignal
}

/** A running embedded server. */
export type Engine = {
  readonly pid: number
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Resolves when the child is gone, however that came: with its last words, '' for none. */
  readonly exited: Promise<string>
  /** Lets the server finish what it writes; kills it after 8 s. Resolves when it is gone. */
  readonly stop: () => Promise<void>
  /** SIGKILL, for a server that no longer answers. Resolves when it is gone. */
  readonly kill: () => Promise<void>
}

export type Launched = { readonly kind: 'running'; readonly engine: Engine } | LaunchFailure

/** Longest wait for a clean stop; a merge under way is abandoned by then and redone at the next start. */
const STOP_DEADLINE_MS = 8_000

/** Above the proxy's own niceness: when the machine is short of CPU, clients come before the record of them. */
const NICENESS = 5

const SIDECAR = fileURLToPath(new URL('./sidecar.mjs', import.meta.url))

/** Writes the config files, starts the server and waits until it answers. A failure is a value: it is expected. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const unsupported = unsupportedPlatform()
  if (unsupported !== undefined) return unsupported
  const dataDir = join(options.dir, 'data')
  let confDir: string
  try {
    const config = { ...options, port: await findFreePort(options.port) }
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    confDir = writeOwnConfig(options.dir, config)
  } catch (error) {
    return unwritableDirectory(options.dir, error)
  }

  // `detached`: a process group of its own, because the engine signals its whole group in some paths and because
  // Ctrl-C must reach the proxy alone. An empty environment: the proxy's holds keys.
  const portFile = join(confDir, 'port')
  const child = spawn(process.execPath, [SIDECAR, confDir, dataDir, portFile], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { TZ: 'UTC' },
  })
  const server = watch(child)
  void server.exited.then(() => rmSync(confDir, { recursive: true, force: true }))
  if (child.pid !== undefined) lowerPriority(child.pid)
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(options.readyTimeoutMs)])
  const answeringPort = await untilAnswering(portFile, server, deadline)
  if (answeringPort !== undefined && child.pid !== undefined) {
    const { exited, stop, kill } = server
    const url = urlOf(answeringPort)
    return { kind: 'running', engine: { pid: child.pid, port: answeringPort, url, exited, stop, kill } }
  }
  await server.kill()
  const waitedMs = deadline.aborted && !options.signal.aborted ? options.readyTimeoutMs : undefined
  return explainFailedStart({
    exitCode: child.exitCode,
    lastWords: await server.exited,
    dataDir,
    logFile: join(options.dir, 'clickhouse.log'),
    waitedMs,
  })
}

/**
 * Writes the config of one launch alone, and returns its directory. Of two processes that start at once only one gets the
 * data; with one directory for both, the other would take away the port that the first waits for, and exchange its password.
 */
function writeOwnConfig(dir: string, config: ServerConfig): string {
  for (const name of readdirSync(dir)) {
    const [, pid] = /^conf-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(dir, name), { recursive: true, force: true })
  }
  const confDir = mkdtempSync(join(dir, `conf-${process.pid}-`))
  try {
    writeFileSync(join(confDir, 'config.xml'), serverConfigXml(config), { mode: 0o600 })
    writeFileSync(join(confDir, 'users.xml'), usersConfigXml(config), { mode: 0o600 })
  } catch (error) {
    rmSync(confDir, { recursive: true, force: true })
    throw error
  }
  return confDir
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

type Server = Pick<Engine, 'exited' | 'stop' | 'kill'> & { readonly isGone: () => boolean }

function watch(child: ChildProcess): Server {
  let lastWords = ''
  let isGone = false
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-4_000)
  })
  // Writing to a child that died is not news: `exited` tells.
  child.stdin?.on('error', () => {})
  const exited = new Promise<string>((resolve) => {
    const gone = (reason: string): void => {
      isGone = true
      // Where the engine logs is no complaint.
      resolve((lastWords + reason).replace(/^Logging \w+ to .*$/gm, '').trim())
    }
    child.once('error', (error) => gone(error.message)) // could not be started at all
    child.once('close', () => gone('')) // after 'exit', when stderr has been read to its end
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  const stop = async (): Promise<void> => {
    child.stdin?.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await exited
    clearTimeout(timer)
  }
  return { exited, stop, kill, isGone: () => isGone }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICENESS)
  } catch {
    // Not permitted here, or the child is gone already: it then runs at the proxy's own priority, or not at all.
  }
}

/** The port once /ping answers there; undefined when the child exits or `deadline` aborts first. */
async function untilAnswering(portFile: string, server: Server, deadline: AbortSignal): Promise<number | undefined> {
  while (!server.isGone() && !deadline.aborted) {
    const port = readPort(portFile)
    if (port !== undefined && (await ping(urlOf(port), deadline))) return port
    await Promise.race([delay(15, undefined, { signal: deadline }).catch(() => {}), server.exited])
  }
  return undefined
}

function readPort(portFile: string): number | undefined {
  try {
    const port = Number(readFileSync(portFile, 'utf8'))
    return Number.isInteger(port) && port > 0 ? port : undefined
  } catch {
    return undefined // not written yet
  }
}

/** Whether a ClickHouse server answers at `url`. Never throws. */
export async function ping(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ping`, { signal, headers: { connection: 'close' } })
    return response.ok && (await response.text()).startsWith('Ok')
  } catch {
    return false
  }
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}
