import { randomBytes } from 'node:crypto'
import type { ReloadStatus } from '../config/reload.ts'
import type { AuditStatus } from '../domain/audit.ts'
import type { Listen } from '../domain/policy.ts'
import type { RolloutReport, Trip } from '../domain/rollout/rollout-view.ts'
import type { FeedbackReport } from '../domain/feedback/feedback-report.ts'
import type { Cell, Log, ReadOwnTrace, World } from '../domain/ports.ts'
import { createArmPins } from '../domain/rollout/arm-pins.ts'
import type { RoutingState } from '../domain/state.ts'
import { openGateway } from '../gateway/server.ts'
import type { DataListen, Gateway } from '../gateway/server.ts'
import { createHealthKeeper } from '../health/keep-health.ts'
import type { HealthKeeper } from '../health/keep-health.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { alarm } from '../store/alarm.ts'
import type { Insert } from '../store/insert.ts'
import { createRecorder } from '../store/recorder.ts'
import { createScoreRecorder } from '../store/score-recorder.ts'
import type { Spool } from '../store/spool.ts'
import type { LineDestination } from '../telemetry/line-destination.ts'
import type { PerTable } from '../telemetry/metric-sources.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { observeAll } from '../telemetry/observe-all.ts'
import { openTracing } from '../telemetry/open-tracing.ts'
import { createRequestLine } from '../telemetry/request-line.ts'
import type { TracingSettings } from '../telemetry/tracing-settings.ts'
import { inboundHeaders, outboundHeaders } from '../upstream/headers.ts'
import { createPassThrough } from '../upstream/passthrough.ts'
import { createPools } from '../upstream/pools.ts'
import { createSend } from '../upstream/send.ts'
import type { Slots } from '../upstream/slots.ts'
import { alsoScoring } from './also-scoring.ts'
import type { Closed } from './app.ts'
import type { Closers } from './closers.ts'
import { connectionCap, descriptorLimit } from './connection-cap.ts'
import { openKnownModels } from './known-models.ts'
import { createOwnApi } from '../evaluate/own-api.ts'
import type { ScoreWorker } from '../evaluate/worker.ts'
import { openMirror } from './open-mirror.ts'
import { watchBreakers } from '../rollout/watch-breakers.ts'
import type { RunningMirror } from '../shadow/mirror.ts'
import { openReadings } from './open-readings.ts'
import { openScoring } from './open-scoring.ts'
import { addRows, openRowLane, spoolLoad, writerCounts } from './row-lanes.ts'
import type { RowLane } from './row-lanes.ts'

export type ServingOptions = {
  readonly state: Cell<RoutingState>
  readonly world: World
  readonly instance: string
  readonly version: string
  readonly lines: LineDestination
  readonly log: Log
  readonly spans: TracingSettings
  readonly slots: Slots
  /** Of this process; undefined when nothing is recorded. */
  readonly spool: Spool | undefined
  readonly spoolMaxBytes: number
  /** By which what was said is hashed: the same for all processes of this data directory. */
  readonly contentHashKey: () => string
  /** What others left, to be emptied by the way. */
  readonly leftSpools: readonly Spool[]
  readonly insert: Insert
  readonly readTrace: ReadOwnTrace
  readonly isStoreUp: () => boolean | undefined
  readonly config: () => ReloadStatus
  /** The candidate of a rollout has failed here so often that it must go. */
  readonly onTrip: (trip: Trip) => void
  /** Where this process follows rollouts. */
  readonly rollouts?: () => RolloutReport
  /** Where this process moves weights. */
  readonly feedback?: () => FeedbackReport
  /** That serve the data port: what limits shadows is divided among them. */
  readonly processes: number
  /** Where this process runs the audits. */
  readonly audits?: () => readonly AuditStatus[]
  /** Time between two readings of what this process knows of itself; half a minute. */
  readonly readingsEveryMs?: number | undefined
}

/** The part of the proxy that answers clients; every process that serves has one. */
export type Serving = {
  readonly metrics: Metrics
  readonly health: HealthKeeper
  readonly lanes: readonly RowLane[]
  readonly notBuiltRows: () => PerTable
  readonly scoring: ScoreWorker
  readonly mirror: RunningMirror
  readonly isServing: () => boolean
  readonly isDraining: () => boolean
  /** Opens the data port. */
  readonly listen: (address: DataListen) => Promise<Listen>
  /**
   * Finishes what is under way within the deadline, then waits up to `drainMs` for the store to take the rows. `drainMs`
   * is asked when that begins.
   */
  readonly finish: (deadlineMs: number, drainMs: () => number) => Promise<Closed>
}

export async function openServing(options: ServingOptions, closers: Closers): Promise<Serving> {
  const { state, world, instance, version, lines, log, slots, spool } = options
  const policy = () => state.current().policy
  const recorder = createRecorder(spool, instance, log, options.contentHashKey)
  const pools = createPools()
  closers.add(pools.close)
  const prices = createPriceBook(policy())
  const knownModel = await openKnownModels(state)
  const health = createHealthKeeper({ policy: policy(), world, instance, log })
  const tracing = await openTracing(options.spans, {
    version,
    instance,
    providerOf: (name) => policy().providers.get(name),
    log,
  })
  if (tracing !== undefined) closers.add(tracing.close)
  state.subscribe(({ policy: next }) => {
    prices.setPolicy(next)
    pools.retain(next)
    health.setPolicy(next)
  })

  const scoreRecorder = createScoreRecorder(spool, instance, log)
  const notBuiltRows = (): PerTable => addRows([recorder.notBuiltRows(), scoreRecorder.notBuiltRows()])
  const fenceKey = randomBytes(32).toString('hex')
  const scoring = openScoring(
    { state, world, price: prices.price, record: scoreRecorder.record, fenceKey, processes: options.processes, log },
    closers,
  )
  const mirror = openMirror(
    {
      state,
      world,
      log,
      instance,
      spool,
      price: prices.price,
      knownModel,
      compare: scoring.compare,
      isComparingBehind: scoring.isBehind,
      recordFunnel: scoreRecorder.recordFunnel,
      slots,
      processes: options.processes,
    },
    closers,
  )
  const answerOwn = createOwnApi({ world, policy, record: scoreRecorder.record, readTrace: options.readTrace })
  const armPins = createArmPins()
  const lanes: RowLane[] = []
  const metrics = createMetrics({
    build: { version, node: process.version },
    now: world.now,
    providers: slots.use,
    health: health.report,
    headroom: health.headroom,
    shadows: mirror.report,
    scoring: scoring.counts,
    pinnedConversations: armPins.size,
    ...(options.rollouts === undefined ? {} : { rollouts: options.rollouts }),
    ...(options.feedback === undefined ? {} : { feedback: options.feedback }),
    ...(options.audits === undefined ? {} : { audits: options.audits }),
    spool: () => spoolLoad(lanes),
    spoolMaxBytes: options.spoolMaxBytes,
    notBuiltRows,
    writer: () => writerCounts(lanes),
    isStoreUp: options.isStoreUp,
    config: options.config,
    droppedLogLines: lines.droppedLines,
    spans: () => tracing?.counts(),
  })
  for (const each of [...(spool === undefined ? [] : [spool]), ...options.leftSpools]) {
    const lane = openRowLane(each, { insert: options.insert, metrics, world, log })
    closers.add(lane.writer.close)
    lanes.push(lane)
  }
  const readings = openReadings(spool === undefined ? undefined : lanes[0], metrics.readings, options, closers)
  const maxConnections = connectionCap(descriptorLimit())
  const connectionsRefused = alarm(world, (count) =>
    log.warn('connections_refused', { count, maxConnections, detail: 'Raise the limit of open files (ulimit -n).' }),
  )
  let gateway: Gateway | undefined
  let isServing = false
  let isDraining = false

  return {
    metrics,
    health,
    lanes,
    notBuiltRows,
    scoring,
    mirror,
    isServing: () => isServing,
    isDraining: () => isDraining,
    listen: async (address) => {
      gateway = await openGateway(address, {
        world,
        state,
        send: createSend(pools, slots, world.monotonic),
        outboundHeaders,
        propagate: tracing?.propagate ?? (() => undefined),
        inboundHeaders,
        passThrough: createPassThrough(slots, world.monotonic),
        price: prices.price,
        health,
        knownModel,
        armPins,
        recorder,
        mirror: alsoScoring(mirror, scoring.live, policy),
        answerOwn,
        observe: observeAll(
          [
            metrics.observe,
            watchBreakers(options.onTrip),
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
        maxConnections,
        onConnectionRefused: () => connectionsRefused(1),
      })
      isServing = true
      return { host: gateway.host, port: gateway.port }
    },
    finish: async (deadlineMs, drainMs) => {
      isDraining = true
      const cutRequests = (await gateway?.close(deadlineMs)) ?? 0
      isServing = false
      mirror.close()
      await scoring.close()
      recorder.flush()
      readings.end()
      spool?.seal()
      const deadline = drainMs()
      await Promise.all([...lanes.map(({ writer }) => writer.drain(deadline)), tracing?.close()])
      const spooledRows = spoolLoad(lanes).rows
      if (deadline > 0 && spooledRows === 0) await readings.sayFarewell()
      return { cutRequests, spooledRows }
    },
  }
}
