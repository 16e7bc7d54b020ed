import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { Compare, Log, PriceCall, World } from '../domain/ports.ts'
import type { Provider } from '../domain/policy.ts'
import { learned } from '../domain/shadow/projection.ts'
import type { FailureKind, Shadow, SkipReason } from '../domain/shadow/shadow.ts'
import { createSpendBudget, type Reservation, type Spend, type SpendLimits } from '../domain/spend-budget.ts'
import type { Target } from '../domain/target.ts'
import type { EpochMs, PicoUsd } from '../domain/units.ts'
import type { SendUpstream } from '../domain/upstream-call.ts'
import { outputTokens } from '../domain/usage.ts'
import { callCandidate, type CandidateAnswer } from './call-candidate.ts'
import type { Hold } from './hold.ts'
import type { Pauses } from './pauses.ts'
import type { ShadowJob } from './shadow-job.ts'
import { attemptOf, comparisonOf, spentOn } from './shadow-attempt.ts'

export type LaneOptions = {
  readonly world: World
  readonly send: SendUpstream
  readonly price: PriceCall
  readonly compare: Compare
  readonly recordCall: (exchange: Exchange, attempt: Attempt) => void
  readonly pauses: Pauses
  readonly hold: Hold
  /** Why no call to the provider may be made just now. */
  readonly mayRunNow: (shadow: Shadow, provider: Provider) => SkipReason | undefined
  readonly processes: number
  readonly log: Log
}

export type LaneStatus = {
  readonly shadow: string
  readonly isOn: boolean
  readonly running: number
  readonly queued: number
  readonly spent: Spend
  /** Spent on all calls that have ended. */
  readonly totalSpent: PicoUsd
  /** Of each candidate's provider that asked to be left alone. */
  readonly backedOffUntil: EpochMs | undefined
  readonly heldBytes: number
}

/** The calls of one shadow: they wait, run within its limits, and are paid out of its budget. */
export type Lane = {
  /** Why the jobs, all of one request, are not taken, none of them; undefined when each runs or waits. */
  readonly take: (jobs: readonly ShadowJob[]) => SkipReason | undefined
  readonly learnedOutput: (target: Target) => number | undefined
  /** What the shadow spent before this process began, or others have since. */
  readonly addSpend: (spent: Spend) => void
  readonly status: (shadow: Shadow, isOn: boolean) => LaneStatus
  readonly close: () => void
}

type Held = { readonly job: ShadowJob; readonly reservation: Reservation; bytes: number }

/**
 * With less left of the budget than this many times a call's projection, those whose projection is no bound go one at a
 * time: so the most that is spent too much is what one call costs beyond it.
 */
const NEAR_THE_END = 10n

export function createLane(name: string, options: LaneOptions): Lane {
  const { world, pauses, hold, processes } = options
  const budget = createSpendBudget()
  const means = new Map<string, number>()
  const waiting: Held[] = []
  const running = new Set<{ abort: () => void }>()
  let isClosed = false
  let totalSpent: PicoUsd = 0n

  const limitsOf = ({ budget: { perHour, perDay } }: Shadow) => ({
    perHour: perHour / BigInt(processes),
    perDay: perDay / BigInt(processes),
  })
  const share = (limit: number): number => Math.max(1, Math.floor(limit / processes))

  function take(jobs: readonly ShadowJob[]): SkipReason | undefined {
    const [first] = jobs
    if (first === undefined) return undefined
    const { shadow } = first
    const now = world.now()
    const free = Math.max(0, share(shadow.maxConcurrent) - running.size)
    if (jobs.length > free + Math.max(0, share(shadow.maxQueued) - waiting.length)) {
      return shadow.maxQueued === 0 ? 'concurrency' : 'queue_full'
    }
    const limits = limitsOf(shadow)
    const isBusy = running.size + waiting.length > 0
    const projected = jobs.reduce((sum, job) => sum + job.projected, 0n)
    const isBound = jobs.every((job) => job.isBound)
    if (!isBound && isBusy && leftOf(budget.spend(now), limits) < NEAR_THE_END * projected) return 'budget'
    const taken: Held[] = []
    for (const job of jobs) {
      const held = setAside(job, limits, now)
      if (typeof held === 'string') {
        for (const each of taken) giveBack(each)
        return held
      }
      taken.push(held)
    }
    for (const held of taken) {
      if (running.size < share(shadow.maxConcurrent)) start(held)
      else waiting.push(held)
    }
    return undefined
  }

  /** Memory and money for one call. */
  function setAside(job: ShadowJob, limits: SpendLimits, now: EpochMs): Held | SkipReason {
    const bytes = 2 * job.requestBody.length + job.stableAnswer.length // the call's own body is about as large
    if (!hold.take(bytes)) return 'queue_full'
    const reservation = budget.reserve(job.projected, limits, now)
    if (reservation !== undefined) return { job, reservation, bytes }
    hold.release(bytes)
    return 'budget'
  }

  function giveBack({ reservation, bytes }: Held): void {
    reservation.settle(0n)
    hold.release(bytes)
  }

  function start(held: Held): void {
    const { job } = held
    const { plan, exchange, shadow } = job
    const startedAt = world.now()
    let made: ReturnType<ShadowJob['makeCall']>
    try {
      made = job.makeCall()
    } catch (bug) {
      // Thrown on, it would come to whoever has just ended another call.
      options.log.error('shadow_call_failed', { trace_id: exchange.request.id, bug })
      return drop(held, 'unreadable')
    }
    const { outbound, adaptations } = made
    const call = { abort: (): void => undefined } // a call may be over before there is anything to abort
    running.add(call)
    call.abort = callCandidate(
      {
        request: exchange.request,
        provider: plan.provider,
        outbound,
        timeoutMs: shadow.timeoutMs,
        mayHold: (bytes) => {
          if (!hold.take(bytes)) return false
          held.bytes += bytes
          return true
        },
      },
      options.send,
      world,
      (answer) => {
        running.delete(call)
        ended(held, adaptations, answer, startedAt)
        next()
      },
    )
  }

  /** Starts what waits, as far as there is room and nothing has come up since it was let in. */
  function next(): void {
    for (let held = waiting[0]; held !== undefined && !isClosed; held = waiting[0]) {
      const { shadow, plan } = held.job
      if (running.size >= share(shadow.maxConcurrent)) return
      waiting.shift()
      const skip = options.mayRunNow(shadow, plan.provider)
      if (skip === undefined) start(held)
      else drop(held, skip)
    }
  }

  function drop(held: Held, reason: SkipReason): void {
    giveBack(held)
    held.job.ended({ skipped: reason })
  }

  function ended(held: Held, adaptations: readonly string[], answer: CandidateAnswer, startedAt: EpochMs): void {
    const { job, reservation } = held
    const { plan } = job
    const attempt = {
      ...attemptOf(job, answer, { id: world.newId(), startedAt, price: options.price }),
      adaptations: adaptations.length === 0 ? undefined : adaptations,
    }
    const spent = spentOn(attempt, job.projected)
    totalSpent += spent
    reservation.settle(spent)
    const now = world.now()
    pauses.heard(plan.provider, answer.headers, now)
    if (answer.failure === 'rate_limited') pauses.backOff(plan.provider.name, answer.retryAfterMs, now)
    if (attempt.usage !== undefined && answer.failure === undefined) {
      const key = targetKey(plan.target)
      means.set(key, learned(means.get(key), outputTokens(attempt.usage)))
    }
    options.recordCall(job.exchange, attempt)
    if (answer.failure === undefined) handOver(held, attempt, answer)
    else settled(held, answer.failure)
  }

  function handOver(held: Held, attempt: Attempt, { status, body }: CandidateAnswer): void {
    const { job } = held
    options.compare(comparisonOf(job, attempt, status, body), (outcome) =>
      settled(held, outcome === 'compared' ? undefined : 'not_compared'),
    )
  }

  function settled({ job, bytes }: Held, failure: FailureKind | undefined): void {
    hold.release(bytes)
    job.ended({ failure })
  }

  return {
    take,
    learnedOutput: (target) => means.get(targetKey(target)),
    addSpend: (spent) => budget.add(spent, world.now()),
    status: (shadow, isOn) => {
      const now = world.now()
      const untils = shadow.candidates
        .map(({ provider }) => pauses.until(provider, now))
        .filter((at) => at !== undefined)
      return {
        shadow: name,
        isOn,
        running: running.size,
        queued: waiting.length,
        spent: budget.spend(now),
        totalSpent,
        backedOffUntil: untils.length === 0 ? undefined : Math.max(...untils),
        heldBytes: hold.heldBytes(),
      }
    },
    close: () => {
      isClosed = true
      for (const held of waiting.splice(0)) drop(held, 'shutting_down')
      for (const { abort } of running) abort()
    },
  }
}

function targetKey({ provider, model }: Target): string {
  return `${provider}/${model}`
}

function leftOf(spent: Spend, { perHour, perDay }: Shadow['budget']): PicoUsd {
  const inHour = perHour - spent.hour
  const inDay = perDay - spent.day
  return inHour < inDay ? inHour : inDay
}
