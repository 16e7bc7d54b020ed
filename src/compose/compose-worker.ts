import type { ReloadStatus } from '../config/reload.ts'
import { parseConfig } from '../config/load.ts'
import { formatFault } from '../config/fault.ts'
import type { Environment } from '../config/interpolate.ts'
import type { Config } from '../domain/policy.ts'
import { createCell } from '../domain/cell.ts'
import type { Log, World } from '../domain/ports.ts'
import type { Overlay } from '../domain/routing/overlay.ts'
import type { RoutingState } from '../domain/state.ts'
import { borrowStore } from '../store/borrowed-store.ts'
import { keptContentKey } from '../store/content-key.ts'
import { openSpool } from '../store/spool.ts'
import { openLineDestination } from '../telemetry/line-destination.ts'
import { createLogger } from '../telemetry/logger.ts'
import { readTracingSettings } from '../telemetry/tracing-settings.ts'
import { createLeasedSlots } from '../upstream/leased-slots.ts'
import type { FromWorker, OverlayTold, PolicyText, Snapshot, ToWorker, WorkerStart } from '../workers/messages.ts'
import { DRAIN_MS } from './app.ts'
import { closingOnFailure, createClosers } from './closers.ts'
import { openServing } from './open-serving.ts'
import { readOwnTrace } from './read-own-trace.ts'
import { statesHeard } from './rollout-parts.ts'
import { spendHeard } from './spend-told.ts'
import { outageOf, spoolFacts } from './row-lanes.ts'

export type WorkerOptions = {
  readonly start: WorkerStart
  readonly environment: Environment
  readonly world: World
  readonly logFd: number
  /** Resolves when the message is on its way. */
  readonly send: (message: FromWorker) => Promise<void>
}

export type Worker = {
  readonly log: Log
  readonly flushLog: () => void
  /** Does what the primary says; `stop` resolves when all is closed and said, anything else at once. */
  readonly take: (message: ToWorker) => Promise<void>
}

/** What is lost of the counts of a worker that is killed is no older than this. */
const SNAPSHOT_EVERY_MS = 1_000

/**
 * Builds a process that serves the data port beside others: it answers clients and spools their rows, and has the
 * policy, the store and the permits to call a provider from its primary. Throws when port or directory cannot be had.
 */
export async function composeWorker({ start, environment, world, logFd, send }: WorkerOptions): Promise<Worker> {
  const { policy: first, boot } = read(start.policy)
  const state = createCell<RoutingState>({
    policy: first,
    policyVersion: start.policy.version,
    overlay: overlayOf(start.overlay),
    rollouts: statesHeard(start.rollouts),
  })
  const lines = openLineDestination(logFd)
  const log = createLogger({ level: () => state.current().policy.log.level, write: lines.write, now: world.now })
  let config: ReloadStatus = statusOf(start.policy)
  let isStoreReady = false
  const closers = createClosers()
  closers.add(lines.close)
  return closingOnFailure(closers, build)

  function read({ text }: PolicyText): Config {
    const result = parseConfig(text, start.file, environment, start.baseDir)
    if ('config' in result) return result.config
    throw new Error(`the primary's policy is none here: ${result.faults.map(formatFault).join('; ')}`)
  }

  function statusOf({ version }: PolicyText): ReloadStatus {
    return { version, appliedAt: world.now(), rejected: undefined, restartNeeded: [] }
  }

  async function build(): Promise<Worker> {
    const { spoolDir, spoolMaxBytes } = start
    const spool =
      spoolDir === undefined ? undefined : await openSpool({ dir: spoolDir, maxBytes: spoolMaxBytes, world, log })
    if (spool !== undefined) closers.add(spool.close)
    const store = borrowStore(() => void send({ kind: 'store_doubt' }))
    closers.add(store.close)
    const slots = createLeasedSlots((question) => void send(question))
    const serving = await openServing(
      {
        state,
        world,
        instance: start.instance,
        version: start.version,
        lines,
        log,
        spans: readTracingSettings(environment),
        slots,
        spool,
        spoolMaxBytes,
        contentHashKey: () => keptContentKey(boot.dataDir),
        leftSpools: [],
        insert: store.insert,
        readTrace: readOwnTrace(store),
        isStoreUp: () => undefined,
        config: () => config,
        onTrip: (trip) => void send({ kind: 'rollout_trip', trip }),
        processes: start.processes,
      },
      closers,
    )
    takeStore(start.store)
    const listen = await serving.listen({ ...start.listen, isShared: true })
    void send({ kind: 'serving', listen, policyVersion: config.version })
    const timer = setInterval(() => void tell(), SNAPSHOT_EVERY_MS)

    function takeStore({ address, detail }: WorkerStart['store']): void {
      isStoreReady = address !== undefined
      store.use(address, detail)
    }

    async function snapshot(): Promise<Snapshot> {
      const { lanes, metrics, notBuiltRows } = serving
      return {
        metrics: await metrics.expose(),
        spool: spoolFacts(lanes, notBuiltRows(), spoolMaxBytes),
        health: serving.health.report(),
        shadows: serving.mirror.report(),
        outage: outageOf(lanes),
      }
    }

    async function tell(number?: number): Promise<void> {
      await send({ kind: 'snapshot', number, snapshot: await snapshot() })
    }

    async function stop(deadlineMs: number): Promise<void> {
      const stopped = await serving.finish(deadlineMs, () => (isStoreReady ? DRAIN_MS : 0))
      clearInterval(timer)
      const last = await snapshot()
      await closers.closeAll()
      await send({ kind: 'stopped', stopped, snapshot: last })
    }

    return {
      log,
      flushLog: lines.flushSync,
      take: async (message) => {
        switch (message.kind) {
          case 'start':
            return
          case 'policy': {
            const { policy } = read(message.policy)
            config = statusOf(message.policy)
            state.swap((previous) => ({ ...previous, policy, policyVersion: message.policy.version }))
            return send({ kind: 'policy_applied', version: message.policy.version })
          }
          case 'overlay': {
            const overlay = overlayOf(message.overlay)
            return state.swap((previous) => ({ ...previous, overlay }))
          }
          case 'rollouts': {
            const rollouts = statesHeard(message.states)
            return state.swap((previous) => ({ ...previous, rollouts }))
          }
          case 'store':
            return takeStore(message.store)
          case 'past_calls':
            return serving.health.warm(message.calls)
          case 'shadow_spend':
            return serving.mirror.addSpend(spendHeard(message))
          case 'survey':
            return tell(message.number)
          case 'stop':
            return stop(message.deadlineMs)
          case 'slot_grant':
          case 'slot_refuse':
          case 'slot_recall':
          case 'slot_ease':
            return slots.take(message)
        }
      },
    }
  }
}

function overlayOf({ revision, weights }: OverlayTold): Overlay {
  return { revision, weights: new Map(weights) }
}
