import { randomBytes, randomUUIDv7 } from 'node:crypto'
import { join } from 'node:path'
import type { SpoolFacts } from './admin/ports.ts'
import { startAdmin } from './admin/server.ts'
import type { App, AppOptions, Closed } from './compose/app.ts'
import { DRAIN_MS } from './compose/app.ts'
import { adminPorts } from './compose/admin-ports.ts'
import { closingOnFailure, createClosers } from './compose/closers.ts'
import { explainDescribed } from './compose/explain-described.ts'
import { liveParts } from './compose/live-parts.ts'
import { openAudits } from './compose/open-audits.ts'
import { followSpend } from './compose/follow-spend.ts'
import { logReload } from './compose/log-reload.ts'
import { openServing } from './compose/open-serving.ts'
import type { Serving } from './compose/open-serving.ts'
import { outageOf, spoolFacts } from './compose/row-lanes.ts'
import { openFeedbackParts } from './compose/feedback-parts.ts'
import { openRolloutParts } from './compose/rollout-parts.ts'
import { readOwnTrace } from './compose/read-own-trace.ts'
import { restoreJudgeSpend } from './compose/restore-judge-spend.ts'
import { storeFacts } from './compose/store-facts.ts'
import { warmHealth } from './compose/warm-health.ts'
import { startReloader } from './config/reload.ts'
import { createCell } from './domain/cell.ts'
import type { Listen } from './domain/policy.ts'
import type { World } from './domain/ports.ts'
import type { RoutingState } from './domain/state.ts'
import { openLiveChanges } from './store/live-changes.ts'
import { keptContentKey } from './store/content-key.ts'
import { openStore } from './store/open-store.ts'
import { openSpool } from './store/spool.ts'
import { openLeftSpools } from './store/worker-spools.ts'
import { openLineDestination } from './telemetry/line-destination.ts'
import { createLogger } from './telemetry/logger.ts'
import { readTracingSettings } from './telemetry/tracing-settings.ts'
import { createSlots } from './upstream/slots.ts'

/** The clock and the ids of the running process. */
export const systemWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  newId: () => randomUUIDv7(),
}

/**
 * Builds the proxy of a single process out of its rooms; `compose/` knows them too, and nobody else knows more than
 * one. Throws when a port or directory cannot be had.
 */
export async function compose(options: AppOptions): Promise<App> {
  const { source, loaded, world, instance } = options
  const { boot } = loaded.config
  const state = createCell<RoutingState>({ policy: loaded.config.policy, policyVersion: loaded.version })
  const policy = () => state.current().policy
  const spans = readTracingSettings(source.environment)
  const lines = openLineDestination(options.logFd)
  const runKey = randomBytes(32).toString('hex')
  const log = createLogger({ level: () => policy().log.level, write: lines.write, now: world.now })
  const closers = createClosers()
  closers.add(lines.close)
  return closingOnFailure(closers, build)

  async function build(): Promise<App> {
    const hasStore = boot.store.kind !== 'none'
    const spooling = { dir: join(boot.dataDir, 'spool'), maxBytes: boot.spool.maxBytes, world, log }
    // Before the store: its lock is what keeps a second proxy out of the data directory.
    const spool = hasStore ? await openSpool(spooling) : undefined
    if (spool !== undefined) closers.add(spool.close)
    const left = hasStore ? await openLeftSpools(spooling, 0) : undefined
    if (left !== undefined) closers.add(left.close)
    const store = openStore({ settings: boot.store, dataDir: boot.dataDir, retention: policy().retention, world, log })
    closers.add(store.close)

    const serving: Serving = await openServing(
      {
        state,
        world,
        instance,
        version: options.version,
        lines,
        log,
        spans,
        slots: createSlots(),
        spool,
        spoolMaxBytes: boot.spool.maxBytes,
        contentHashKey: () => keptContentKey(boot.dataDir),
        leftSpools: left?.spools ?? [],
        insert: store.insert,
        readTrace: readOwnTrace(store.reads),
        isStoreUp: () => (hasStore ? facts().state === 'ready' : undefined),
        config: () => reloader.status(),
        onTrip: (trip) => void rollouts.trip(trip),
        rollouts: () => rollouts.report(),
        feedback: () => feedback.report(),
        processes: 1,
        audits: () => audits.status(),
        readingsEveryMs: options.readingsEveryMs,
      },
      closers,
    )
    const { metrics, lanes } = serving
    const facts = () => storeFacts(boot.store.kind, store.status(), outageOf(lanes))

    const reloader = startReloader({
      source,
      loaded,
      state,
      now: world.now,
      onOutcome: (outcome, trigger) => {
        metrics.countReload(outcome.kind, trigger)
        logReload(log, outcome, trigger, { policy: state.current().policy, at: world.now() })
      },
    })
    closers.add(reloader.close)
    state.subscribe(({ policy: next }) => store.setRetention(next.retention))

    const spooled = (): SpoolFacts => spoolFacts(lanes, serving.notBuiltRows(), boot.spool.maxBytes)
    const rollouts = await openRolloutParts({
      dataDir: boot.dataDir,
      state,
      store,
      live: () => live,
      health: serving.health.report,
      spool: spooled,
      instance,
      pace: boot.decider,
      world,
      log,
    })
    const live = await openLiveChanges({
      ...liveParts(boot.dataDir, source, reloader),
      state,
      journal: store.journal,
      followers: [rollouts.follower],
      instance,
      world,
      log,
    })
    closers.add(live.close)
    closers.add(rollouts.close)
    rollouts.start()
    const feedback = openFeedbackParts(
      { state, store, weights: live, instance, pace: boot.decider, world, log },
      closers,
    )

    let listening: Listen | undefined = undefined
    const audits = openAudits({ state, store, listen: () => listening, instance, world, log }, closers)

    const ports = adminPorts({
      file: source.file,
      runKey,
      reloader,
      state,
      live,
      rollouts,
      feedback,
      explain: explainDescribed(state, world, serving.health.report),
      health: serving.health.report,
      shadows: serving.mirror.report,
      audits: audits.status,
      instance,
      store,
      now: world.now,
      storeFacts: facts,
      serving: async () => ({
        isServing: serving.isServing(),
        isDraining: serving.isDraining(),
        spool: spooled(),
      }),
      metrics,
      log,
    })
    const admin = await startAdmin({ listen: boot.admin, tokens: boot.admin, ports, log })
    closers.add(admin.close)
    const data = await serving.listen(boot.data)
    listening = data
    warmHealth(store, () => policy().health.windowMs, serving.health.warm, log)
    restoreJudgeSpend(store, () => policy().scoring?.judge !== undefined, serving.scoring.addSpend, log)
    const isWanted = (): boolean => policy().shadows.length > 0
    const { addSpend } = serving.mirror
    const unfollow = followSpend({ store, instance, isWanted, add: addSpend, world, log })
    closers.add(async () => unfollow())
    let closing: Promise<Closed> | undefined

    async function shutDown(): Promise<Closed> {
      void audits.close() // asks no more, or its questions would be turned away, and count as wrong
      const closed = await serving.finish(boot.shutdownDeadlineMs, () =>
        store.status().kind === 'ready' ? DRAIN_MS : 0,
      )
      log.info('stopped', closed)
      await closers.closeAll()
      return closed
    }

    return {
      data,
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
  }
}
