import { setTimeout as delay } from 'node:timers/promises'
import type { Cell, Closable, Log, World } from '../domain/ports.ts'
import { advance } from '../domain/rollout/advance.ts'
import type { DecisionRecord } from '../domain/rollout/decision-record.ts'
import type { Evidence } from '../domain/rollout/evidence.ts'
import { explain, type Explanation } from '../domain/rollout/explain.ts'
import { livePhaseOf, phaseText } from '../domain/rollout/phase.ts'
import type { Rollout } from '../domain/rollout/rollout.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import type { RolloutAnswer, RolloutReport, RolloutRequest, RolloutView, Trip } from '../domain/rollout/rollout-view.ts'
import type { RoutingState } from '../domain/state.ts'
import type { EpochMs } from '../domain/units.ts'
import { atSpeed } from './at-speed.ts'
import { createChanging } from './change-rollout.ts'
import { createDeciding } from './decide-all.ts'
import { keepToFile } from './keep-file.ts'
import type { DeciderPace, DeciderStore, RecentOf } from './ports.ts'
import { type EventJournal, openRolloutLog, type RolloutLog } from './rollout-log.ts'
import { watchLease } from './watch-lease.ts'

export type RolloutsOptions = {
  /** Gets what is known of rollouts swapped in; everything else in it stays. */
  readonly state: Cell<RoutingState>
  /** Absolute: what is known is kept there. */
  readonly file: string
  /** Undefined: no store is configured. Nothing is decided then, and what is done by hand is this instance's alone. */
  readonly journal: EventJournal | undefined
  readonly store: DeciderStore
  readonly recentOf: RecentOf
  /** When the oldest row was made that ClickHouse does not have yet; undefined where it has all. */
  readonly oldestUnstored: () => Promise<EpochMs | undefined>
  readonly instance: string
  readonly pace: DeciderPace
  readonly world: World
  readonly log: Log
}

export type Rollouts = Closable & {
  /** From now on the journal is followed, and decisions are made. */
  readonly start: () => void
  readonly follower: RolloutLog['follower']
  readonly change: (request: RolloutRequest) => Promise<RolloutAnswer>
  /** In the order of the file. */
  readonly views: () => readonly RolloutView[]
  /** By evidence read now; undefined where there is no such rollout, or nothing is known of it. */
  readonly explain: (name: string) => Promise<Explanation | undefined>
  /** A process of this proxy has seen a candidate fail. */
  readonly trip: (trip: Trip) => Promise<void>
  readonly report: () => RolloutReport
  /** As of `DeciderPace`. */
  readonly speed: number
}

/** Rows of a request are stored about a second after its end; a loaded server takes longer. */
const ROWS_LATE_MS = 10_000
const LEAST_ROWS_LATE_MS = 2_000
/** A judge with a queue of its own has answered by then as a rule; who answers later is counted when he does. */
const WATERMARK_MS = 120_000
const LEAST_WATERMARK_MS = 2_000
const READ_TIMEOUT_MS = 30_000
/** How long a trip counts that was not followed by a rollback because stable was failing as well. */
const TRIP_COUNTS_MS = 120_000
const MOST_UNTOLD = 100

/**
 * Opens what moves rollouts: the follower of their journal, the verbs, the file's wishes and, on the one instance that
 * holds the lease, the decisions.
 */
export async function openRollouts(options: RolloutsOptions): Promise<Rollouts> {
  const { state, store, pace, instance, world, log: lines } = options
  const rollouts = (): readonly Rollout[] =>
    state.current().policy.rollouts.map((rollout) => atSpeed(rollout, pace.speed))
  const rolloutOf = (name: string): Rollout | undefined => rollouts().find((each) => each.name === name)
  const log = await openRolloutLog({
    file: options.file,
    journal: options.journal,
    instance,
    policyVersion: () => state.current().policyVersion,
    isWanted: () => state.current().policy.rollouts.length > 0,
    onChange: (states) => state.swap((previous) => ({ ...previous, rollouts: states })),
    world,
    log: lines,
  })
  const closing = new AbortController()
  const heldTrips = new Map<string, Trip & { readonly at: EpochMs }>()
  const explaining = new Map<string, Promise<Evidence>>()
  let untold: readonly DecisionRecord[] = []
  let wake = (): void => undefined
  let isUnheard = false
  let keeping: Promise<boolean> = Promise.resolve(true)
  let running: Promise<void> = Promise.resolve()
  const lease = watchLease({
    store,
    holder: `${instance}/${world.newId()}`,
    isWanted: log.follower.isWanted,
    pace,
    world,
    onTaken: () => {
      lines.info('rollout_decider', { instance })
      wake()
    },
  })
  const deciding = createDeciding({
    log,
    store,
    tellLater,
    evidenceOf,
    mayDecide: lease.isHeld,
    policyVersion: () => state.current().policyVersion,
    instance,
    world,
    lines,
  })
  const file = keepToFile({ log, state: state.current, rollouts, world, lines })
  const change = createChanging({
    log,
    journal: options.journal,
    rollouts,
    keepFile: () => keepFile(false),
    onChange: () => wake(),
    world,
    lines,
  })

  let { policyVersion } = state.current()
  const unsubscribe = state.subscribe((next) => {
    if (next.policyVersion === policyVersion) return
    policyVersion = next.policyVersion
    void hearEdit()
  })

  /** An edit counts at once: it does not wait until the evidence of some rollout has been read. */
  async function hearEdit(): Promise<void> {
    isUnheard = false
    if (!(await keepFile(true))) isUnheard = true
  }

  /** What could not be told of an edit is told when the store is back, whoever decides by then. */
  function take(rows: Parameters<RolloutLog['follower']['take']>[0]): void {
    log.follower.take(rows)
    if (isUnheard) void hearEdit()
  }

  /** One after the other. Resolves to whether the journal has heard it all. */
  function keepFile(isReload: boolean): Promise<boolean> {
    keeping = keeping
      .then(() => file.keep(isReload))
      .catch((bug: unknown) => {
        lines.error('rollout_file_unheard', { bug })
        return true
      })
    return keeping
  }

  /** One turn after the other: at each tick, and at once where the file was edited. */
  async function run(): Promise<void> {
    const { signal } = closing
    while (!signal.aborted) {
      const woken = new AbortController()
      wake = () => woken.abort()
      try {
        await turn()
      } catch (bug) {
        lines.error('rollout_turn_failed', { bug })
      }
      await delay(pace.tickMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined)
    }
  }

  async function turn(): Promise<void> {
    await tellRecords()
    if (options.journal === undefined) return void (await keepFile(true))
    file.warnOfOthers()
    if (!lease.isHeld() || !store.isReady() || !(await options.journal.look())) return
    await keepFile(false)
    for (const rollout of rollouts()) {
      if (closing.signal.aborted || !lease.isHeld()) return
      await deciding.decide(rollout)
    }
  }

  function tellLater(record: DecisionRecord): void {
    untold = [...untold, record].slice(-MOST_UNTOLD)
  }

  async function tellRecords(): Promise<void> {
    for (const record of untold) {
      if ((await store.record(record)).kind === 'unavailable') return
      untold = untold.filter((each) => each !== record)
    }
  }

  async function evidenceOf(rollout: Rollout, known: RolloutState): Promise<Evidence> {
    const live = livePhaseOf(known.phase)
    const late = Math.max(LEAST_ROWS_LATE_MS, ROWS_LATE_MS / pace.speed)
    const unstored = (await options.oldestUnstored()) ?? Number.POSITIVE_INFINITY
    const asOf = Math.floor(Math.min(world.now() - late, unstored))
    const { epoch, enteredAt, dealtAt } = known
    const watermarkMs = Math.round(Math.max(LEAST_WATERMARK_MS, WATERMARK_MS / pace.speed))
    const wanted = { rollout, live: live ?? { kind: 'shadow' as const }, epoch, enteredAt, dealtAt, asOf, watermarkMs }
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(READ_TIMEOUT_MS)])
    const read = live === undefined ? undefined : await store.readings(wanted, signal)
    if (read?.kind === 'unavailable')
      lines.warn('rollout_evidence_unread', { rollout: rollout.name, detail: read.detail })
    const trip = heldTrips.get(rollout.name)
    const isRecent = trip?.epoch === epoch && world.now() - trip.at < TRIP_COUNTS_MS
    return {
      breaker: isRecent ? trip.why : undefined,
      recent: await options.recentOf(rollout),
      readings: read?.kind === 'ok' ? read.value : undefined,
    }
  }

  /** Whoever asks while the same is being read for somebody else waits for that: on a busy route it takes seconds. */
  function explainedBy(rollout: Rollout, known: RolloutState): Promise<Evidence> {
    const key = `${rollout.name}/${known.revision}`
    const read = explaining.get(key) ?? evidenceOf(rollout, known).finally(() => explaining.delete(key))
    explaining.set(key, read)
    return read
  }

  async function trip(tripped: Trip): Promise<void> {
    const { rollout: name, epoch, why } = tripped
    const [rollout, known] = [rolloutOf(name), log.state(name)]
    if (rollout === undefined || known?.epoch !== epoch || livePhaseOf(known.phase) === undefined) return
    const evidence = { breaker: why, recent: await options.recentOf(rollout), readings: undefined }
    const at = Math.floor(world.now())
    const transition = advance(rollout, known, evidence, at)
    const { event } = transition
    if (event?.change.kind !== 'rolled_back') {
      heldTrips.set(name, { ...tripped, at })
      lines.error('rollout_breaker_held', { rollout: name, why, because: transition.because })
      return
    }
    const id = world.newId()
    const { policyVersion: version } = state.current()
    const record = { id, at, instance, policyVersion: version, rollout, state: known, evidence, transition }
    tellLater(record)
    const { actor, reason, change } = event
    await log.addLocal({ id: world.newId(), rollout: name, at, actor, reason, change, epoch, decision: id })
    lines.error('rollout_breaker_tripped', { rollout: name, why, phase: phaseText(known.phase) })
    await tellRecords()
    await log.tellWaiting()
  }

  function views(): readonly RolloutView[] {
    return rollouts().map((rollout) => ({
      rollout,
      state: log.state(rollout.name),
      looked: deciding.looked(rollout.name),
      waiting: log.waiting().filter((each) => each.rollout === rollout.name).length,
    }))
  }

  return {
    start: () => {
      lease.start()
      running = run()
    },
    follower: { ...log.follower, take },
    change,
    views,
    explain: async (name) => {
      const [rollout, known] = [rolloutOf(name), log.state(name)]
      if (rollout === undefined || known === undefined) return undefined
      return explain(rollout, known, await explainedBy(rollout, known), Math.floor(world.now()))
    },
    trip,
    report: () => ({ isDecider: lease.isHeld(), views: views(), decisions: deciding.counts() }),
    speed: pace.speed,
    close: async () => {
      closing.abort()
      unsubscribe()
      await running
      await lease.close()
      await log.close()
    },
  }
}
