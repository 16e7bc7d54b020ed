import type { Listen } from '../domain/policy.ts'
import type { Log, World } from '../domain/ports.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { WorkerEvents, WorkerProcess } from './fork-worker.ts'
import { createLineRelay } from './line-relay.ts'
import type { FromWorker, FromWorkersWork, Snapshot, Stopped, ToWorker, WorkerStart } from './messages.ts'

export type WorkerPoolOptions = {
  readonly count: number
  readonly fork: (events: WorkerEvents) => WorkerProcess
  /** Asked at each start of worker `number`, from 1 on: what is in force then. */
  readonly startOf: (number: number) => WorkerStart
  /** What is not about a worker's own life. */
  readonly onMessage: (worker: number, message: FromWorkersWork) => void
  /** A worker is gone, with the last that is known of it. */
  readonly onGone: (worker: number, last: Snapshot | undefined) => void
  /** Gets whole lines that workers have logged. */
  readonly writeLog: (lines: string) => void
  readonly world: World
  readonly log: Log
  /** A worker that has not come to serve within this time is killed and started again; loading takes about a second. */
  readonly readyMs?: number
  /** One that says nothing for this long hangs, and keeps the connections that the kernel goes on dealing to it. */
  readonly silentMs?: number
  readonly firstBackoffMs?: number
}

/** `restarts`: how often one has been started again. */
export type WorkerCounts = { readonly wanted: number; readonly serving: number; readonly restarts: number }

export type WorkerPool = {
  /** Resolves to the address when all serve; rejects when one says that it cannot, or none does in time. */
  readonly start: () => Promise<Listen>
  readonly counts: () => WorkerCounts
  readonly tellAll: (message: ToWorker) => void
  readonly tell: (worker: number, message: ToWorker) => void
  /** What each worker says of itself now; of one that does not answer, the last that it said. */
  readonly survey: () => Promise<readonly Snapshot[]>
  readonly latest: () => readonly Snapshot[]
  /** Whether all that serve have the policy of `version` in force, or have come to within two seconds. */
  readonly follows: (version: string) => Promise<boolean>
  /** Ends all of them; what has not ended when the deadline and `graceMs` have passed is killed. */
  readonly stop: (deadlineMs: number, graceMs: number) => Promise<Stopped>
}

type Slot = {
  readonly number: number
  process: WorkerProcess | undefined
  isServing: boolean
  policyVersion: string | undefined
  latest: Snapshot | undefined
  stopped: Stopped | undefined
  backoffMs: number
  startedAt: MonotonicMs
}

const LONGEST_BACKOFF_MS = 30_000
/** One that ran this long has earned a fresh back-off. */
const STEADY_MS = 60_000
/** A worker busy for longer than this is asked again at the next scrape. */
const SURVEY_MS = 1_000
const FOLLOW_MS = 2_000

/** Starts workers and starts each again whenever it ends, until stopped. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { count, world, log, readyMs = 60_000, silentMs = 30_000, firstBackoffMs = 250 } = options
  const slots: readonly Slot[] = Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    process: undefined,
    isServing: false,
    policyVersion: undefined,
    latest: undefined,
    stopped: undefined,
    backoffMs: firstBackoffMs,
    startedAt: 0,
  }))
  /** Told of everything that changes; each asks anew whether what it waits for has come. */
  const onChange = new Set<() => void>()
  let restarts = 0
  let isStopping = false
  let surveys = 0
  let firstFailure: string | undefined
  let listen: Listen | undefined
  /** Of the survey with the highest number, those still to answer. */
  let unanswered = new Set<number>()

  const changed = (): void => {
    for (const look of onChange) look()
  }
  const running = (): readonly Slot[] => slots.filter((slot) => slot.process !== undefined)
  const serving = (): readonly Slot[] => slots.filter((slot) => slot.isServing)

  /** Resolves to whether `isSo` came true in time. */
  const when = (isSo: () => boolean, timeoutMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (isSo()) settle(true)
      }
      const settle = (answer: boolean): void => {
        clearTimeout(timer)
        onChange.delete(look)
        resolve(answer)
      }
      const timer = setTimeout(() => settle(false), timeoutMs)
      onChange.add(look)
      look()
    })

  const launch = (slot: Slot): void => {
    const relay = createLineRelay(options.writeLog)
    const giveUpAfter = (ms: number, event: string): NodeJS.Timeout =>
      setTimeout(() => {
        log.error(event, { worker: slot.number, pid: child.pid, afterMs: ms })
        child.kill()
      }, ms)
    let patience = giveUpAfter(readyMs, 'worker_not_ready')
    slot.startedAt = world.monotonic()
    const child = options.fork({
      onMessage: (message) => {
        if (message.kind === 'serving') {
          clearTimeout(patience)
          patience = giveUpAfter(silentMs, 'worker_hung')
        } else if (slot.isServing) patience.refresh()
        take(slot, child, message)
      },
      onExit: (how) => {
        clearTimeout(patience)
        const { cut } = relay.end()
        if (cut !== '') log.warn('worker_line_cut', { worker: slot.number, line: cut })
        gone(slot, child.pid, how)
      },
      onLog: relay.take,
    })
    slot.process = child
  }

  const take = (slot: Slot, child: WorkerProcess, message: FromWorker): void => {
    switch (message.kind) {
      case 'hello':
        // Told to stop before it could hear, it would start now.
        return child.send(
          isStopping ? { kind: 'stop', deadlineMs: 0 } : { kind: 'start', start: options.startOf(slot.number) },
        )
      case 'serving':
        slot.isServing = true
        slot.policyVersion = message.policyVersion
        listen = message.listen
        log.info('worker_serving', { worker: slot.number, pid: child.pid })
        return changed()
      case 'failed':
        firstFailure ??= message.message
        log.error('worker_failed', { worker: slot.number, pid: child.pid, detail: message.message })
        return changed()
      case 'policy_applied':
        slot.policyVersion = message.version
        return changed()
      case 'snapshot':
        slot.latest = message.snapshot
        if (message.number === surveys && unanswered.delete(slot.number)) changed()
        return
      case 'stopped':
        slot.latest = message.snapshot
        slot.stopped = message.stopped
        return log.info('worker_stopped', { worker: slot.number, pid: child.pid, ...message.stopped })
      case 'store_doubt':
      case 'rollout_trip':
      case 'slot_ask':
      case 'slot_leave':
      case 'slot_return':
        return options.onMessage(slot.number, message)
    }
  }

  const gone = (slot: Slot, pid: number, how: string): void => {
    const wasServing = slot.isServing
    const { latest } = slot
    slot.process = undefined
    slot.isServing = false
    slot.policyVersion = undefined
    slot.latest = undefined
    unanswered.delete(slot.number)
    options.onGone(slot.number, latest)
    if (!isStopping) {
      if (wasServing && world.monotonic() - slot.startedAt > STEADY_MS) slot.backoffMs = firstBackoffMs
      log.error('worker_died', { worker: slot.number, pid, how, restartInMs: slot.backoffMs })
      setTimeout(() => {
        if (isStopping) return
        restarts += 1
        launch(slot)
      }, slot.backoffMs).unref()
      slot.backoffMs = Math.min(slot.backoffMs * 2, LONGEST_BACKOFF_MS)
    }
    changed()
  }

  return {
    start: async () => {
      for (const slot of slots) launch(slot)
      await when(() => firstFailure !== undefined || serving().length === count, readyMs)
      if (listen === undefined || (firstFailure !== undefined && serving().length < count)) {
        throw new Error(firstFailure ?? `none of ${count} workers came to serve within ${readyMs / 1000} seconds`)
      }
      return listen
    },
    counts: () => ({ wanted: count, serving: serving().length, restarts }),
    tellAll: (message) => {
      for (const { process: child } of running()) child?.send(message)
    },
    tell: (worker, message) => slots[worker - 1]?.process?.send(message),
    survey: async () => {
      surveys += 1
      unanswered = new Set(serving().map((slot) => slot.number))
      const mine = surveys
      for (const slot of serving()) slot.process?.send({ kind: 'survey', number: mine })
      // A later survey asks the same ones again, and its answers are as good.
      await when(() => unanswered.size === 0, SURVEY_MS)
      return slots.flatMap(({ latest }) => latest ?? [])
    },
    latest: () => slots.flatMap(({ latest }) => latest ?? []),
    follows: (version) => when(() => serving().every((slot) => slot.policyVersion === version), FOLLOW_MS),
    stop: async (deadlineMs, graceMs) => {
      isStopping = true
      for (const { process: child } of running()) child?.send({ kind: 'stop', deadlineMs })
      if (!(await when(() => running().length === 0, deadlineMs + graceMs))) {
        for (const { number, process: child } of running()) {
          log.error('worker_not_stopped', { worker: number, pid: child?.pid })
          child?.kill()
        }
        await when(() => running().length === 0, graceMs)
      }
      const stopped = slots.flatMap((slot) => slot.stopped ?? [])
      return {
        cutRequests: stopped.reduce((sum, one) => sum + one.cutRequests, 0),
        spooledRows: stopped.reduce((sum, one) => sum + one.spooledRows, 0),
      }
    },
  }
}
