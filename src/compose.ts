import { randomBytes, randomUUIDv7 } from 'node:crypto'
import { join } from 'node:path'
import { startAdmin } from './admin/server.ts'
import type { AdminPorts, SpoolFacts, StoreFacts } from './admin/ports.ts'
import type { ConfigSource, Loaded } from './config/load-config.ts'
import { startReloader } from './config/reload.ts'
import type { ReloadOutcome, ReloadTrigger } from './config/reload.ts'
import { formatFault } from './config/fault.ts'
import { createCell } from './domain/cell.ts'
import type { Provider } from './domain/policy.ts'
import type { Log, World } from './domain/ports.ts'
import { runProof } from './domain/run-proof.ts'
import type { RoutingState } from './domain/state.ts'
import { openGateway } from './gateway/server.ts'
import { createPriceBook } from './pricing/price-book.ts'
import type { Insert } from './store/insert.ts'
import { openStore } from './store/open-store.ts'
import { createRecorder } from './store/recorder.ts'
import type { RowRecorder } from './store/recorder.ts'
import { openSpool } from './store/spool.ts'
import type { Spool } from './store/spool.ts'
import { startWriter } from './store/writer.ts'
import type { Writer } from './store/writer.ts'
import type { StoreAccess, StoreStatus } from './store/store.ts'
import { openLineDestination } from './telemetry/line-destination.ts'
import { createLogger } from './telemetry/logger.ts'
import { createMetrics } from './telemetry/metrics.ts'
import type { Metrics } from './telemetry/metrics.ts'
import { observeAll } from './telemetry/observe-all.ts'
import { openTracing } from './telemetry/open-tracing.ts'
import { createRequestLine } from './telemetry/request-line.ts'
import { readTracingSettings } from './telemetry/tracing-settings.ts'
import type { TracingSettings } from './telemetry/tracing-settings.ts'
import { inboundHeaders, outboundHeaders } from './upstream/headers.ts'
import { createPassThrough } from './upstream/passthrough.ts'
import { createPools } from './upstream/pools.ts'
import { createSend } from './upstream/send.ts'
import { createSlots } from './upstream/slots.ts'

/** The clock and the ids of the running process. */
export const systemWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  newId: () => randomUUIDv7(),
}

export type AppOptions = {
  readonly source: ConfigSource
  readonly loaded: Loaded
  readonly world: World
  /** Names this process on every row: host and port, or the pod. */
  readonly instance: string
  readonly version: string
  /** File descriptor that log lines go to. */
  readonly logFd: number
}

export type App = {
  readonly data: { readonly host: string; readonly port: number }
  readonly admin: { readonly host: string; readonly port: number }
  readonly log: Log
  /** By which the admin port proves to be this process's; left beside its address, for its owner only. */
  readonly runKey: string
  /** Whether spans are exported, and where to. */
  readonly spans: TracingSettings
  readonly storeStatus: () => StoreStatus
  readonly storeAccess: () => StoreAccess | undefined
  /** Calls `listener` after each change of the store's status. Returns the unsubscribe. */
  readonly onStoreChange: (listener: () => void) => () => void
  readonly reload: () => Promise<ReloadOutcome>
  /** Writes what is left of the log before it returns; for the last moments of a process. */
  readonly flushLog: () => void
  /** Finishes what is under way within the deadline, hands the rows over, closes everything in reverse order. */
  readonly close: () => Promise<Closed>
}

/** What a shutdown left behind: requests that were cut, rows that wait in the spool for the next start. */
export type Closed = { readonly cutRequests: number; readonly spooledRows: number }

const NO_ROWS = { traces: 0, attempts: 0 }
/** How long a shutdown waits for ClickHouse to take the last rows; the spool keeps what it does not. */
const DRAIN_MS = 10_000

/** Builds the proxy out of its rooms; the only place that knows them all. Throws when a port or directory cannot be had. */
export async function compose(options: AppOptions): Promise<App> {
  const { source, loaded, world, instance } = options
  const { boot } = loaded.config
  const state = createCell<RoutingState>({ policy: loaded.config.policy, policyVersion: loaded.version })
  const policy = () => state.current().policy
  const spans = readTracingSettings(source.environment)
  const lines = openLineDestination(options.logFd)
  const runKey = randomBytes(32).toString('hex')
  const log = createLogger({ level: () => policy().log.level, write: lines.write, now: world.now })
  const closers: (() => Promise<unknown>)[] = [lines.close]
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    return await build()
  } catch (error) {
    await closeAll()
    throw error
  }

  async function build(): Promise<App> {
    const hasStore = boot.store.kind !== 'none'
    const spool = hasStore
      ? await openSpool({ dir: join(boot.dataDir, 'spool'), maxBytes: boot.spool.maxBytes, world, log })
      : undefined
    if (spool !== undefined) closers.push(spool.close)
    const store = openStore({ settings: boot.store, dataDir: boot.dataDir, retention: policy().retention, world, log })
    closers.push(store.close)

    const recorder = createRecorder(spool, instance, log)
    const slots = createSlots()
    const pools = createPools()
    closers.push(pools.close)
    const prices = createPriceBook(policy())
    let isDraining = false
    let isServing = false

    const providerOf = (name: string): Provider | undefined => policy().providers.get(name)
    const tracing = await openTracing(spans, { version: options.version, instance, providerOf, log })
    if (tracing !== undefined) closers.push(tracing.close)

    const metrics: Metrics = createMetrics({
      build: { version: options.version, node: process.version },
      now: world.now,
      providers: slots.use,
      spool: () =>
        spool?.status() ?? {
          rows: 0,
          bytes: 0,
          oldestAt: undefined,
          droppedRows: { overCap: {}, writeFailed: {} },
          syncFailures: 0,
        },
      spoolMaxBytes: boot.spool.maxBytes,
      notBuiltRows: recorder.notBuiltRows,
      writer: () =>
        writer?.status() ?? { insertedRows: {}, quarantinedRows: {}, deadRows: {}, missingRows: {}, retries: 0 },
      isStoreUp: () => (hasStore ? storeFacts().state === 'ready' : undefined),
      config: () => reloader.status(),
      droppedLogLines: lines.droppedLines,
      spans: () => tracing?.counts(),
    })
    const writer =
      spool === undefined
        ? undefined
        : startWriter({ spool, insert: measured(store.insert, metrics, world), world, log })
    if (writer !== undefined) closers.push(writer.close)

    const reloader = startReloader({
      source,
      loaded,
      state,
      now: world.now,
      onOutcome: (outcome, trigger) => {
        metrics.countReload(outcome.kind, trigger)
        logReload(log, outcome, trigger)
      },
    })
    closers.push(reloader.close)
    state.subscribe(({ policy: next }) => {
      prices.setPolicy(next)
      pools.retain(next)
      store.setRetention(next.retention)
    })

    const admin = await startAdmin({ listen: boot.admin, tokens: boot.admin, ports: adminPorts(), log })
    closers.push(admin.close)
    const gateway = await openGateway(boot.data, {
      world,
      state,
      send: createSend(pools, slots, world.monotonic),
      outboundHeaders,
      propagate: tracing?.propagate ?? (() => undefined),
      inboundHeaders,
      passThrough: createPassThrough(slots, world.monotonic),
      price: prices.price,
      recorder,
      observe: observeAll(
        [
          metrics.observe,
          createRequestLine({ settings: () => policy().log, write: lines.write }),
          ...(tracing === undefined ? [] : [tracing.observe]),
        ],
        (error) => {
          metrics.countObserverFailure()
          log.error('observer_failed', { bug: error })
        },
      ),
      log,
      isDraining: () => isDraining,
      onBadFraming: metrics.countBadFraming,
    })
    isServing = true
    let closing: Promise<Closed> | undefined

    async function shutDown(): Promise<Closed> {
      isDraining = true
      const cutRequests = await gateway.close(boot.shutdownDeadlineMs)
      isServing = false
      spool?.seal()
      await Promise.all([writer?.drain(store.status().kind === 'ready' ? DRAIN_MS : 0), tracing?.close()])
      const spooledRows = spool?.status().rows ?? 0
      log.info('stopped', { cutRequests, spooledRows })
      await closeAll()
      return { cutRequests, spooledRows }
    }

    return {
      data: { host: gateway.host, port: gateway.port },
      admin: { host: admin.host, port: admin.port },
      log,
      runKey,
      spans,
      storeStatus: store.status,
      storeAccess: store.access,
      onStoreChange: store.subscribe,
      reload: reloader.reload,
      flushLog: lines.flushSync,
      close: () => (closing ??= shutDown()),
    }

    /** A server that answers but takes no rows (a full disk, say) is down for all that matters. */
    function storeFacts(): StoreFacts {
      const { kind: state, detail } = store.status()
      const outage = writer?.status().outage
      if (state === 'ready' && outage !== undefined) return { kind: boot.store.kind, state: 'down', detail: outage }
      return { kind: boot.store.kind, state, detail }
    }

    function adminPorts(): AdminPorts {
      const config = () => ({ ...reloader.status(), file: source.file })
      return {
        prove: (challenge) => runProof(runKey, challenge),
        readiness: () => ({
          isServing,
          isDraining,
          config: config(),
          store: storeFacts(),
          spool: spoolFacts(spool, writer, recorder, boot.spool.maxBytes),
        }),
        policyView: () => ({ ...config(), policy: policy() }),
        applyPolicy: async (text, actor) => {
          const outcome = await reloader.apply(text)
          log.info('policy_put', { actor, result: outcome.kind })
          return outcome
        },
        recentTraces: store.reads.recentTraces,
        trace: store.reads.trace,
        summary: store.reads.summary,
        storeView: () => ({ ...storeFacts(), access: store.access() }),
        metrics,
      }
    }
  }
}

function measured(insert: Insert, metrics: Metrics, world: World): Insert {
  return async (table, rows, token) => {
    const startedAt = world.monotonic()
    const inserted = await insert(table, rows, token)
    metrics.observeInsert({ table, result: inserted.kind, durationMs: world.monotonic() - startedAt })
    return inserted
  }
}

function logReload(log: Log, outcome: ReloadOutcome, trigger: ReloadTrigger): void {
  switch (outcome.kind) {
    case 'applied':
      return log.info('policy_applied', { trigger, version: outcome.version, restartNeeded: outcome.restartNeeded })
    case 'unchanged':
      return
    case 'rejected':
      return log.error('policy_rejected', {
        trigger,
        faults: outcome.faults.map(formatFault),
        detail: 'The last good policy stays in force.',
      })
    case 'unwritable':
      return log.error('policy_unwritable', { trigger, code: outcome.code, isIntact: outcome.isIntact })
  }
}

function spoolFacts(
  spool: Spool | undefined,
  writer: Writer | undefined,
  recorder: RowRecorder,
  maxBytes: number,
): SpoolFacts {
  const held = spool?.status()
  const sent = writer?.status()
  const dropped = [held?.droppedRows.overCap, held?.droppedRows.writeFailed, sent?.missingRows, recorder.notBuiltRows()]
  const total = (rows = NO_ROWS): number => rows.traces + rows.attempts
  return {
    rows: held?.rows ?? 0,
    bytes: held?.bytes ?? 0,
    maxBytes,
    oldestAt: held?.oldestAt,
    droppedRows: dropped.reduce((sum, rows) => sum + total(rows), 0),
    quarantinedRows: total(sent?.quarantinedRows) + total(sent?.deadRows),
  }
}
