import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { startAdmin } from '../admin/server.ts'
import { startReloader } from '../config/reload.ts'
import type { ReloadOutcome } from '../config/reload.ts'
import { createCell } from '../domain/cell.ts'
import type { PastCall } from '../domain/routing/past-call.ts'
import { NO_TARGETS } from '../domain/routing/health-report.ts'
import type { RoutingState } from '../domain/state.ts'
import { openLiveChanges } from '../store/live-changes.ts'
import { keptContentKey } from '../store/content-key.ts'
import { openStore } from '../store/open-store.ts'
import { openSpool } from '../store/spool.ts'
import { openLeftSpools, workerSpoolDir } from '../store/worker-spools.ts'
import { openLineDestination } from '../telemetry/line-destination.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { readTracingSettings } from '../telemetry/tracing-settings.ts'
import { claimPort } from '../workers/claim-port.ts'
import { forkWorker } from '../workers/fork-worker.ts'
import type { WorkerStart } from '../workers/messages.ts'
import { createSlotBroker } from '../workers/slot-broker.ts'
import { createWorkerPool } from '../workers/worker-pool.ts'
import { adminPorts } from './admin-ports.ts'
import { DRAIN_MS } from './app.ts'
import { spendTold } from './spend-told.ts'
import type { App, AppOptions, Closed } from './app.ts'
import { closingOnFailure, createClosers } from './closers.ts'
import { explainDescribed } from './explain-described.ts'
import { followSpend } from './follow-spend.ts'
import { gatherWorkers } from './gather-workers.ts'
import { liveParts } from './live-parts.ts'
import { logReload } from './log-reload.ts'
import { openAudits } from './open-audits.ts'
import { openReadings } from './open-readings.ts'
import { openRowLane, spoolLoad, writerCounts } from './row-lanes.ts'
import type { RowLane } from './row-lanes.ts'
import { openFeedbackParts } from './feedback-parts.ts'
import { openRolloutParts } from './rollout-parts.ts'
import { storeFacts } from './store-facts.ts'
import { warmHealth } from './warm-health.ts'
import { workersTold } from './workers-told.ts'

/** Between a worker's last row and its end: connections are closed, the log is written. */
const CLOSE_MS = 5_000

/**
 * Builds the proxy as `workers` processes that serve the data port, each started from `workerMain`, and this one, which
 * has what there is one of: the store and its migrations, the config, the admin port, the limits, the log. Resolves
 * when all workers serve; throws when a port or directory cannot be had.
 */
export async function composePrimary(options: AppOptions, workers: number, workerMain: string): Promise<App> {
  const { source, loaded, world } = options
  const { boot } = loaded.config
  const state = createCell<RoutingState>({ policy: loaded.config.policy, policyVersion: loaded.version })
  const policy = () => state.current().policy
  const lines = openLineDestination(options.logFd)
  const runKey = randomBytes(32).toString('hex')
  const log = createLogger({ level: () => policy().log.level, write: lines.write, now: world.now })
  const closers = createClosers()
  closers.add(lines.close)
  return closingOnFailure(closers, build)

  async function build(): Promise<App> {
    const hasStore = boot.store.kind !== 'none'
    const spoolDir = join(boot.dataDir, 'spool')
    const spooling = { dir: spoolDir, maxBytes: boot.spool.maxBytes, world, log }
    // It may hold rows of a start without workers, and its lock keeps a second proxy out; what is added are readings.
    const spool = hasStore ? await openSpool(spooling) : undefined
    if (spool !== undefined) closers.add(spool.close)
    let data = await claimPort(boot.data)
    keptContentKey(boot.dataDir) // made once, before several workers could each make one
    const left = hasStore ? await openLeftSpools(spooling, workers) : undefined
    if (left !== undefined) closers.add(left.close)
    const store = openStore({ settings: boot.store, dataDir: boot.dataDir, retention: policy().retention, world, log })
    closers.add(store.close)

    const lanes: RowLane[] = []
    const own = createMetrics({
      build: { version: options.version, node: process.version },
      now: world.now,
      providers: () => [],
      health: () => NO_TARGETS,
      headroom: () => [],
      shadows: () => [],
      audits: () => audits.status(),
      spool: () => spoolLoad(lanes),
      spoolMaxBytes: boot.spool.maxBytes,
      notBuiltRows: () => ({}),
      writer: () => writerCounts(lanes),
      isStoreUp: () => (hasStore ? facts().state === 'ready' : undefined),
      config: () => reloader.status(),
      droppedLogLines: lines.droppedLines,
      spans: () => undefined,
      workers: () => pool.counts(),
      rollouts: () => rollouts.report(),
      feedback: () => feedback.report(),
    })
    const all = gatherWorkers({ pool: () => pool, metrics: own, lanes, spoolMaxBytes: boot.spool.maxBytes })
    const facts = () => storeFacts(boot.store.kind, store.status(), all.outage())
    for (const each of spool === undefined ? [] : [spool, ...(left?.spools ?? [])]) {
      const lane = openRowLane(each, { insert: store.insert, metrics: own, world, log })
      closers.add(lane.writer.close)
      lanes.push(lane)
    }
    const readings = openReadings(
      spool === undefined ? undefined : lanes[0],
      own.readings,
      { ...options, log },
      closers,
    )

    let isServing = false
    let isDraining = false
    const told = workersTold(state, store, () => reloader.inForce())
    const broker = createSlotBroker(workers, (worker, answer) => pool.tell(worker, answer))
    const pool = createWorkerPool({
      count: workers,
      fork: (events) => forkWorker(workerMain, events),
      startOf: (number): WorkerStart => ({
        policy: told.policy(),
        overlay: told.overlay(),
        rollouts: told.rollouts(),
        file: source.file,
        baseDir: source.baseDir,
        listen: data,
        instance: `${options.instance}/worker-${number}`,
        version: options.version,
        spoolDir: hasStore ? workerSpoolDir(spoolDir, number) : undefined,
        spoolMaxBytes: Math.floor(boot.spool.maxBytes / workers),
        processes: workers,
        store: told.store(),
      }),
      onMessage: (worker, message) => {
        if (message.kind === 'store_doubt') store.doubt()
        else if (message.kind === 'rollout_trip') void rollouts.trip(message.trip)
        else broker.take(worker, message)
      },
      onGone: (worker, last) => {
        broker.forget(worker)
        if (last !== undefined) all.keep(last)
      },
      writeLog: lines.write,
      world,
      log,
    })
    // Only after a failed start: `close` has ended them otherwise.
    closers.add(() => pool.stop(0, CLOSE_MS))

    const reloader = startReloader({
      source,
      loaded,
      state,
      now: world.now,
      onOutcome: (outcome, trigger) => {
        own.countReload(outcome.kind, trigger)
        logReload(log, outcome, trigger, { policy: state.current().policy, at: world.now() })
        if (trigger === 'file') void everywhere(outcome) // of a signal and a PUT it is asked where these are taken
      },
    })
    closers.add(reloader.close)
    let version = state.current().policyVersion
    state.subscribe((next) => {
      if (next.policyVersion === version) return
      version = next.policyVersion
      store.setRetention(next.policy.retention)
      broker.setPolicy(next.policy)
    })
    told.follow(pool.tellAll)

    /** An outcome that says "applied" holds for all workers; one that lags is reported, and gets it when it can. */
    async function everywhere(outcome: ReloadOutcome): Promise<ReloadOutcome> {
      if (outcome.kind === 'applied' && !(await pool.follows(outcome.version))) {
        log.error('policy_not_everywhere', { version: outcome.version, ...pool.counts() })
      }
      return outcome
    }

    const rollouts = await openRolloutParts({
      dataDir: boot.dataDir,
      state,
      store,
      live: () => live,
      health: all.health,
      spool: all.spool,
      instance: options.instance,
      pace: boot.decider,
      world,
      log,
    })
    const live = await openLiveChanges({
      ...liveParts(boot.dataDir, source, reloader),
      state,
      journal: store.journal,
      followers: [rollouts.follower],
      instance: options.instance,
      world,
      log,
    })
    closers.add(live.close)
    closers.add(rollouts.close)
    rollouts.start()
    const feedback = openFeedbackParts(
      { state, store, weights: live, instance: options.instance, pace: boot.decider, world, log },
      closers,
    )

    const listening = () => (isServing ? data : undefined)
    const audits = openAudits({ state, store, listen: listening, instance: options.instance, world, log }, closers)

    const admin = await startAdmin({
      listen: boot.admin,
      tokens: boot.admin,
      ports: adminPorts({
        file: source.file,
        runKey,
        reloader: { status: reloader.status, apply: async (text) => everywhere(await reloader.apply(text)) },
        state,
        live,
        rollouts,
        feedback,
        explain: explainDescribed(state, world, all.health),
        health: all.health,
        shadows: all.shadows,
        audits: audits.status,
        instance: options.instance,
        store,
        now: world.now,
        storeFacts: facts,
        serving: async () => ({
          spool: await all.spool(),
          isServing: isServing && pool.counts().serving > 0,
          isDraining,
          workers: pool.counts(),
        }),
        metrics: all.metrics,
        log,
      }),
      log,
    })
    closers.add(admin.close)
    data = await pool.start()
    isServing = true
    const tellPast = (calls: readonly PastCall[]): void => pool.tellAll({ kind: 'past_calls', calls })
    warmHealth(store, () => policy().health.windowMs, tellPast, log)
    const unfollow = followSpend({
      store,
      instance: options.instance,
      isWanted: () => policy().shadows.length > 0,
      add: (spent) => pool.tellAll(spendTold(spent, workers)),
      world,
      log,
    })
    closers.add(async () => unfollow())
    let closing: Promise<Closed> | undefined

    async function shutDown(): Promise<Closed> {
      isDraining = true
      void audits.close() // as in compose.ts
      const drainMs = store.status().kind === 'ready' ? DRAIN_MS : 0
      readings.end()
      spool?.seal()
      const [{ cutRequests, spooledRows }] = await Promise.all([
        pool.stop(boot.shutdownDeadlineMs, DRAIN_MS + CLOSE_MS),
        ...lanes.map(({ writer }) => writer.drain(drainMs)),
      ])
      isServing = false
      const ownRows = spoolLoad(lanes).rows
      if (drainMs > 0 && ownRows === 0) await readings.sayFarewell()
      const closed = { cutRequests, spooledRows: spooledRows + ownRows }
      log.info('stopped', closed)
      await closers.closeAll()
      return closed
    }

    return {
      data,
      admin: { host: admin.host, port: admin.port },
      log,
      runKey,
      spans: readTracingSettings(source.environment),
      storeStatus: store.status,
      storeAccess: store.access,
      onStoreChange: store.subscribe,
      reload: async () => everywhere(await reloader.reload()),
      flushLog: lines.flushSync,
      close: () => (closing ??= shutDown()),
    }
  }
}
