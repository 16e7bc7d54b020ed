import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Why the embedded server is not running. */
export type LaunchFailure = {
  readonly kind: 'failed'
  readonly reason:
    | 'unsupported_platform'
    | 'not_installed'
    | 'directory_held'
    | 'unwritable'
    | 'port_taken'
    | 'no_answer'
    | 'failed'
  /** One sentence or two for the operator: what is wrong and what to do. */
  readonly detail: string
  /** True when trying again cannot help. */
  readonly isFinal: boolean
}

const INSTEAD = 'Point store.url at a ClickHouse server instead, or set store: none.'

/** The platforms that libchdb is built for are Linux with glibc and macOS. Undefined when this is one of them. */
export function unsupportedPlatform(): LaunchFailure | undefined {
  if (process.platform === 'darwin') return undefined
  if (process.platform === 'linux' && isGlibc()) return undefined
  const found = process.platform === 'linux' ? 'Linux without glibc (musl, as in Alpine)' : process.platform
  return {
    kind: 'failed',
    reason: 'unsupported_platform',
    detail: `The embedded ClickHouse runs on Linux with glibc and on macOS; this is ${found}. ${INSTEAD}`,
    isFinal: true,
  }
}

function isGlibc(): boolean {
  // The report would otherwise resolve the host's own addresses over the network, which can take seconds.
  Reflect.set(process.report, 'excludeNetwork', true)
  const report: unknown = process.report.getReport()
  return hasKey(report, 'header') && hasKey(report.header, 'glibcVersionRuntime')
}

function hasKey<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && key in value
}

/** The directory of the engine cannot be written: no such disk, no right, no space. */
export function unwritableDirectory(dir: string, cause: unknown): LaunchFailure {
  const said = cause instanceof Error ? cause.message : String(cause)
  return failure('unwritable', `${dir} cannot be written; the embedded ClickHouse keeps its data there.`, said, false)
}

/** What is left of a child that exited, or was given up on, before it answered. */
export type FailedStart = {
  readonly exitCode: number | null
  /** What it wrote to stderr. */
  readonly lastWords: string
  readonly dataDir: string
  readonly logFile: string
  /** Set when it was alive and silent for this long. */
  readonly waitedMs: number | undefined
}

/** Turns a failed start into advice. The engine often exits with 0 all the same, so its words decide. */
export function explainFailedStart(start: FailedStart): LaunchFailure {
  const { exitCode, lastWords } = start
  if (exitCode === 3) {
    return failure(
      'not_installed',
      `The embedded ClickHouse is not installed (npm i chdb). ${INSTEAD}`,
      lastWords,
      true,
    )
  }
  if (exitCode === 4) {
    return failure(
      'not_installed',
      `ffi-rs, which loads the engine, is not installed (npm i ffi-rs). ${INSTEAD}`,
      lastWords,
      true,
    )
  }
  if (lastWords.includes('Another server instance in same directory')) {
    const pid = holderOf(start.dataDir)
    const holder = pid === undefined ? 'another process' : `process ${pid}`
    return failure(
      'directory_held',
      `${start.dataDir} is in use by ${holder}: stop the proxy it belongs to, or give this one a data directory of its own.`,
      '',
      false,
    )
  }
  if (lastWords.includes('Address already in use')) {
    return failure('port_taken', 'The port of the embedded ClickHouse was taken while it started.', lastWords, false)
  }
  if (start.waitedMs !== undefined) {
    return failure(
      'no_answer',
      `The embedded ClickHouse did not answer within ${start.waitedMs} ms; see ${start.logFile}.`,
      lastWords,
      false,
    )
  }
  return failure('failed', `The embedded ClickHouse did not start; see ${start.logFile}.`, lastWords, false)
}

function failure(reason: LaunchFailure['reason'], advice: string, said: string, isFinal: boolean): LaunchFailure {
  const detail = said === '' ? advice : `${advice} It said: ${said.slice(-1_000)}`
  return { kind: 'failed', reason, detail, isFinal }
}

/** The process id that the engine keeps in the directory it holds. */
function holderOf(dataDir: string): number | undefined {
  try {
    const match = /^PID: (\d+)$/m.exec(readFileSync(join(dataDir, 'status'), 'utf8'))
    return match === null ? undefined : Number(match[1])
  } catch {
    return undefined
  }
}
