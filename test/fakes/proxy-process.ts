import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseExposition, sampleOf } from './parse-exposition.ts'
import { seedStore } from './store-template.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** As of a start by src/bin.mjs: the more proxies a test starts, the less of it should be compiling. */
const COMPILED = join(ROOT, 'node_modules/.cache/understudy-code')
/** How long a loaded machine may take over anything here before the test says that it hangs. */
const PATIENCE_MS = 60_000

const QUERY_SETTINGS = 'default_format=JSONEachRow&output_format_json_quote_64bit_integers=0'

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null }
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

/** A data directory and a config file: what stays when the process on them ends. */
export type ProxyHome = {
  readonly dataDir: string
  readonly configFile: string
  /** The same after every start. */
  readonly port: number
  readonly url: string
  /** Everything that every process of this home has printed. */
  readonly printed: () => string
  /** Starts the command as a process of its own; resolves when it answers. Rejects with its output when it ends first. */
  readonly start: () => Promise<ProxyProcess>
  /** As `start`, for a process that is expected to end by itself. */
  readonly startAndEnd: () => Promise<Ended & { readonly output: string }>
  readonly configure: (settings: Settings) => void
  /** Kills what still runs and deletes the directory. */
  readonly close: () => Promise<void>
}

export type ProxyProcess = {
  readonly pid: number
  readonly adminUrl: string
  readonly lines: () => readonly LogLine[]
  /** The process id of the embedded engine that runs now. */
  readonly enginePid: () => number
  /** The next line with this event, from now on. */
  readonly nextLine: (event: string) => Promise<LogLine>
  readonly ended: Promise<Ended>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Sends the signal and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Promise<Ended>
  readonly admin: (path: string) => Promise<{ readonly status: number; readonly text: string }>
  /** `/readyz` in full. */
  readonly readiness: () => Promise<Readiness>
  /** Waits until the store takes rows. */
  readonly stored: () => Promise<void>
  /** Waits until the store has taken every row that the spool held. */
  readonly drained: () => Promise<void>
  /** Rows of a query in the embedded store, as the user who may only read. */
  readonly rows: Query
  /** One series of /metrics; undefined where there is none. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number | undefined>
}

export type Readiness = {
  readonly status: string
  readonly because: readonly string[]
  /** Where there are several. */
  readonly workers?: { readonly serving: number; readonly wanted: number }
  readonly store: { readonly kind: string; readonly state: string; readonly detail: string }
  readonly spool: {
    readonly rows: number
    readonly bytes: number
    readonly dropped_rows: number
    readonly quarantined_rows: number
  }
}

/** Top-level keys of the config file, as in understudy.example.yaml. */
export type Settings = Readonly<Record<string, unknown>>

/** The settings of a proxy with an embedded store in front of one origin that speaks both dialects. */
export function settingsFor(upstream: string, changes: Settings = {}): Settings {
  return {
    admin: { listen: '127.0.0.1:0' },
    store: { kind: 'embedded', port: 0 },
    log: { requests: false },
    providers: {
      openai: { dialect: 'openai', base_url: upstream, include_usage: true },
      anthropic: { dialect: 'anthropic', base_url: upstream },
    },
    ...changes,
  }
}

/**
 * Prepares a home. `dir` is where, a new temporary directory by default; `environment` is all that the process gets,
 * `args` what its command line says besides.
 */
export async function aProxyHome(
  settings: Settings,
  {
    dir = mkdtempSync(join(tmpdir(), 'understudy-proxy-')),
    environment = {},
    args = [],
  }: {
    readonly dir?: string
    readonly environment?: Readonly<Record<string, string>>
    readonly args?: readonly string[]
  } = {},
): Promise<ProxyHome> {
  const port = await freePort()
  const dataDir = join(dir, 'data')
  const configFile = join(dir, 'understudy.yaml')
  const children: ChildProcess[] = []
  let printed = ''
  const configure = (next: Settings): void => {
    // JSON is YAML.
    writeFileSync(configFile, JSON.stringify({ listen: `127.0.0.1:${port}`, data_dir: dataDir, ...next }))
    if (isEmbedded(next['store'])) seedStore(join(dataDir, 'clickhouse'))
  }
  configure(settings)

  const launch = (): Launched => {
    const child = spawn(process.execPath, ['src/main.ts', 'serve', '-c', configFile, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILED, ...environment },
    })
    children.push(child)
    const launched = watch(child)
    child.stdout?.on('data', (text: string) => (printed += text))
    child.stderr?.on('data', (text: string) => (printed += text))
    return launched
  }
  return {
    dataDir,
    configFile,
    port,
    url: `http://127.0.0.1:${port}`,
    printed: () => printed,
    configure,
    start: async () => {
      const launched = launch()
      const run = await Promise.race([
        runningAs(join(dataDir, 'run.json'), launched.pid),
        launched.ended.then(() => Promise.reject(new Error(`the proxy ended: ${launched.output()}`))),
      ])
      return proxyProcess(launched, run, join(dataDir, 'clickhouse-ro-password'))
    },
    startAndEnd: async () => {
      const launched = launch()
      const timer = setTimeout(() => process.kill(launched.pid, 'SIGKILL'), PATIENCE_MS)
      const ended = await launched.ended
      clearTimeout(timer)
      return { ...ended, output: launched.output() }
    },
    close: async () => {
      for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
        child.kill('SIGKILL')
        await new Promise((resolve) => child.once('close', resolve))
      }
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}

function isEmbedded(store: unknown): boolean {
  return typeof store === 'object' && store !== null && 'kind' in store && store.kind === 'embedded'
}

type Launched = {
  readonly pid: number
  readonly output: () => string
  readonly lines: () => readonly LogLine[]
  readonly nextLine: (event: string) => Promise<LogLine>
  readonly ended: Promise<Ended>
  readonly signal: (signal: NodeJS.Signals) => void
}

function watch(child: ChildProcess): Launched {
  if (child.pid === undefined || child.stderr === null || child.stdout === null) throw new Error('could not start node')
  const lines: LogLine[] = []
  const output: string[] = []
  const waiting = new Set<(line: LogLine) => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text))
  child.stderr.setEncoding('utf8')
  createInterface({ input: child.stderr }).on('line', (text) => {
    output.push(`${text}\n`)
    const line = parseLine(text)
    if (line === undefined) return
    lines.push(line)
    for (const tell of waiting) tell(line)
  })
  return {
    pid: child.pid,
    output: () => output.slice(-40).join(''),
    lines: () => lines,
    nextLine: (event) =>
      new Promise((resolve) => {
        const look = (line: LogLine): void => {
          if (line.event !== event) return
          waiting.delete(look)
          resolve(line)
        }
        waiting.add(look)
      }),
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))),
    signal: (signal) => void child.kill(signal),
  }
}

function proxyProcess({ output, ...launched }: Launched, { adminUrl, token }: Run, passwordFile: string): ProxyProcess {
  const admin: ProxyProcess['admin'] = async (path) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(`${adminUrl}${path}`, { headers: { connection: 'close', ...authorization } })
    return { status: answer.status, text: await answer.text() }
  }
  const readiness = async (): Promise<Readiness> => JSON.parse((await admin('/readyz')).text)
  const until = async (what: string, isSo: (now: Readiness) => boolean): Promise<void> => {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const now = await readiness()
      if (isSo(now)) return
      if (performance.now() > deadline) throw new Error(`not ${what}: ${JSON.stringify(now)}\n${output()}`)
      await sleep(20)
    }
  }
  return {
    ...launched,
    adminUrl,
    admin,
    readiness,
    enginePid: () => {
      const started = launched.lines().findLast(({ event }) => event === 'store_engine_started')
      if (typeof started?.['pid'] !== 'number') throw new Error('the engine has not started yet')
      return started['pid']
    },
    end: (signal) => {
      launched.signal(signal)
      return launched.ended
    },
    stored: async () => {
      await until('stored', ({ store }) => store.state === 'ready')
      // The lines of a process come behind its answers; `enginePid` needs the one of the engine, where it has one.
      const isEmbedded = existsSync(passwordFile)
      await until('told', () => !isEmbedded || launched.lines().some(({ event }) => event === 'store_engine_started'))
    },
    drained: () => until('drained', ({ store, spool }) => store.state === 'ready' && spool.rows === 0),
    rows: async (sql) => {
      const { access } = JSON.parse((await admin('/admin/store')).text)
      const password = readFileSync(passwordFile, 'utf8').trim()
      return queryAs(access.url, { username: 'ro', password, database: access.database })(sql)
    },
    metric: async (name, labels) => sampleOf(parseExposition((await admin('/metrics')).text), name, labels),
  }
}

export type Query = <T>(sql: string) => Promise<readonly T[]>

/** Queries a server over plain HTTP, as an analyst would: not through the code that is tested. */
export function queryAs(
  url: string,
  { username, password, database }: { readonly username: string; readonly password: string; readonly database: string },
): Query {
  return async <T>(sql: string) => {
    const answer = await fetch(new URL(`?${QUERY_SETTINGS}&database=${database}`, url), {
      method: 'POST',
      headers: { 'x-clickhouse-user': username, 'x-clickhouse-key': password },
      body: sql,
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(text)
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): T => JSON.parse(line))
  }
}

/** Where the admin port is and what opens it, as `run.json` says. */
type Run = { readonly pid: number; readonly adminUrl: string; readonly token?: string }

/** The word that process `pid` has left of itself, once it has. */
async function runningAs(runFile: string, pid: number): Promise<Run> {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    const run = readRun(runFile)
    if (run?.pid === pid) return run
    await sleep(10)
  }
  throw new Error(`process ${pid} left no word in ${runFile}`)
}

function readRun(file: string): Run | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // not there yet, or half written
  }
}

function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a word of Node's own
  }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
