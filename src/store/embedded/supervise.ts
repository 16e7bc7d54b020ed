import { setTimeout as delay } from 'node:timers/promises'
import type { Closable, Log, World } from '../../domain/ports.ts'
import { type Engine, launch, type LaunchOptions, ping } from './launch.ts'

export type EngineStatus =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly url: string; readonly pid: number }
  /** Not running, and being tried again. */
  | { readonly kind: 'down'; readonly detail: string }
  /** Not running, and trying again cannot help. */
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'closed' }

export type SuperviseOptions = Omit<LaunchOptions, 'signal'> & {
  readonly world: World
  readonly log: Log
  /** Called after every change, in order. Never called after `close` has resolved. */
  readonly onChange: (status: EngineStatus) => void
  /** Between two health checks; 5 s by default. */
  readonly pingEveryMs?: number
}

/** An embedded server that is kept running. */
export type Supervised = Closable & { readonly status: () => EngineStatus }

/** Silences in a row after which a server counts as hung: one may be a stall of the machine. */
const MISSES_ALLOWED = 3
const FIRST_BACKOFF_MS = 250
const LONGEST_BACKOFF_MS = 30_000
/** A server that ran this long has earned a fresh back-off. */
const STEADY_MS = 60_000

/** Starts the embedded server and starts it again whenever it dies or hangs, until closed. Returns at once. */
export function supervise(options: SuperviseOptions): Supervised {
  const { world, log } = options
  const closing = new AbortController()
  let status: EngineStatus = { kind: 'starting' }
  // Kept over restarts, so that clients and dashboards find the server where it was.
  let port = options.port

  const change = (next: EngineStatus): void => {
    status = next
    options.onChange(next)
  }

  const run = async (): Promise<void> => {
    let backoffMs = FIRST_BACKOFF_MS
    while (!closing.signal.aborted) {
      const launched = await launch({ ...options, port, signal: closing.signal })
      if (launched.kind === 'running') {
        const { engine } = launched
        const startedAt = world.monotonic()
        port = engine.port
        log.info('store_engine_started', { url: engine.url, pid: engine.pid })
        change({ kind: 'running', url: engine.url, pid: engine.pid })
        const ended = await watchUntilEnd(engine, options.pingEveryMs ?? 5_000, closing.signal)
        if (ended === undefined) {
          await engine.stop()
          break
        }
        if (world.monotonic() - startedAt > STEADY_MS) backoffMs = FIRST_BACKOFF_MS
        log.warn('store_engine_died', { pid: engine.pid, detail: ended, restartInMs: backoffMs })
        change({ kind: 'down', detail: ended })
      } else if (closing.signal.aborted) {
        break
      } else if (launched.isFinal) {
        log.error('store_engine_unusable', { reason: launched.reason, detail: launched.detail })
        change({ kind: 'failed', detail: launched.detail })
        return
      } else {
        log.warn('store_engine_not_started', { reason: launched.reason, detail: launched.detail, retryInMs: backoffMs })
        change({ kind: 'down', detail: launched.detail })
      }
      await delay(backoffMs, undefined, { signal: closing.signal }).catch(() => {})
      backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS)
    }
  }

  const running = run()
  return {
    status: () => status,
    close: async () => {
      closing.abort()
      await running
      if (status.kind !== 'closed') change({ kind: 'closed' })
    },
  }
}

/** Resolves to why the server is no longer of use (killed, if it hung); to undefined when `closing` aborts first. */
async function watchUntilEnd(engine: Engine, pingEveryMs: number, closing: AbortSignal): Promise<string | undefined> {
  let exit: string | undefined
  const exited = engine.exited.then((lastWords) => {
    exit = lastWords === '' ? 'The embedded ClickHouse ended without a word.' : lastWords
  })
  let misses = 0
  while (!closing.aborted) {
    const waiting = new AbortController()
    const pause = delay(pingEveryMs, undefined, { signal: AbortSignal.any([closing, waiting.signal]) }).catch(() => {})
    await Promise.race([pause, exited])
    waiting.abort()
    if (exit !== undefined) return exit
    if (closing.aborted) break
    const isAlive = await ping(engine.url, AbortSignal.any([closing, AbortSignal.timeout(pingEveryMs)]))
    misses = isAlive ? 0 : misses + 1
    if (misses >= MISSES_ALLOWED && !closing.aborted) {
      await engine.kill()
      return `The embedded ClickHouse left ${misses} pings in a row unanswered and was killed.`
    }
  }
  return undefined
}
