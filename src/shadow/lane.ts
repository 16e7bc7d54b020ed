import type { Attempt, Exchange } from '../domain/exchange.ts'
import { mayBeBilled } from '../domain/exchange-totals.ts'
import type { Cost } from '../domain/cost.ts'
import type { Compare, Log, PriceCall, World } from '../domain/ports.ts'
import type { Provider } from '../domain/policy.ts'
import type { MirrorPlan } from '../domain/shadow/mirror-plan.ts'
import { learned } from '../domain/shadow/projection.ts'
import type { FailureKind, Shadow, SkipReason } from '../domain/shadow/shadow.ts'
import { createSpendBudget, type Reservation, type Spend, type SpendLimits } from '../domain/spend-budget.ts'
import type { Target } from '../domain/target.ts'
import type { EpochMs, PicoUsd } from '../domain/units.ts'
import type { OutboundRequest, SendUpstream } from '../domain/upstream-call.ts'
import { outputTokens } from '../domain/usage.ts'
import { callCandidate, type CandidateAnswer } from './call-candidate.ts'
import type { Hold } from './hold.ts'
import type { Pauses } from './pauses.ts'
import type { CallFate } from './request-fate.ts'

/** Pico-dollars of a dollar. */
const PICO = 1e12

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

/** One call to be made, with all that comparing its answer needs. */
export type ShadowJob = {
  readonly shadow: Shadow
  readonly plan: MirrorPlan
  readonly exchange: Exchange
  readonly stable: Attempt
  readonly requestBody: Buffer
  readonly stableAnswer: Buffer
  /** The call's body is not what the client sent: something was taken out of it. */
  readonly isRedacted: boolean
  /** Made only when the call is: nobody pays for a call that is not. */
  readonly makeCall: () => { readonly outbound: OutboundRequest; readonly adaptations: readonly string[] }
  readonly task: string
  readonly unit: string | undefined
  readonly projected: PicoUsd
  /** The projected cost is the most that the call can cost. */
  readonly isBound: boolean
  /** Of a routing audit: how many models answer the request besides the one that did. */
  readonly audited: number | undefined
  /** Told once what became of the call, unless it was not taken. */
  readonly ended: (fate: CallFate) => void
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
      ...attemptOf(job, answer, startedAt),
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
    const { exchange, stable, plan, audited } = job
    const { audit } = job.shadow
    options.compare(
      {
        traceId: exchange.request.id,
        comparison: name,
        isControl: plan.arm === 'aa',
        api: exchange.request.api,
        requestBody: job.requestBody,
        stable: { ...sideOf(stable), status: exchange.status, body: job.stableAnswer },
        candidate: { ...sideOf(attempt), status, body },
        route: exchange.decision.route,
        task: job.task,
        unit: job.unit,
        isRedacted: job.isRedacted,
        policyVersion: exchange.decision.policyVersion,
        audit:
          audit === undefined || audited === undefined
            ? undefined
            : { pointUsd: audit.pointUsd, extraUsd: extraUsd(stable, attempt), candidates: audited },
      },
      (outcome) => settled(held, outcome === 'compared' ? undefined : 'not_compared'),
    )
  }

  function settled({ job, bytes }: Held, failure: FailureKind | undefined): void {
    hold.release(bytes)
    job.ended({ failure })
  }

  function attemptOf({ plan, stable, shadow }: ShadowJob, answer: CandidateAnswer, startedAt: EpochMs): Attempt {
    const { target, arm, provider } = plan
    const { answer: read } = answer
    return {
      id: world.newId(),
      role: 'shadow',
      shadow: { name: shadow.name, arm, pairedWith: stable.id },
      target,
      startedAt,
      durationMs: answer.durationMs,
      queueMs: answer.queueMs,
      firstByteMs: answer.firstByteMs,
      firstTokenMs: answer.firstTokenMs,
      outcome: answer.outcome,
      servedModel: read?.model,
      providerRequestId: undefined,
      responseId: read?.responseId,
      finishReason: read?.finishReason,
      usage: read?.usage,
      cost: costOf(options.price, provider.name, target.model, answer, startedAt),
      responseBytes: answer.responseBytes,
      streamEvents: answer.streamEvents,
    }
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

function sideOf({ id, target, cost, durationMs, firstTokenMs }: Attempt) {
  return { attemptId: id, target, cost, durationMs, firstTokenMs }
}

/** What `attempt` cost more than `stable`; undefined where a cost is not known. */
function extraUsd(stable: Attempt, attempt: Attempt): number | undefined {
  const [own, other] = [stable.cost, attempt.cost]
  return own.kind === 'priced' && other.kind === 'priced' ? Number(other.picoUsd - own.picoUsd) / PICO : undefined
}

function targetKey({ provider, model }: Target): string {
  return `${provider}/${model}`
}

function leftOf(spent: Spend, { perHour, perDay }: Shadow['budget']): PicoUsd {
  const inHour = perHour - spent.hour
  const inDay = perDay - spent.day
  return inHour < inDay ? inHour : inDay
}

/** What is known to be spent, or else all that was set aside, where the provider may send a bill. */
function spentOn(attempt: Attempt, projected: PicoUsd): PicoUsd {
  if (attempt.cost.kind === 'priced') return attempt.cost.picoUsd
  return mayBeBilled(attempt) ? projected : 0n
}

/** By the model that answered, or where nobody knows a price for that, by the one that was asked. */
function costOf(price: PriceCall, provider: string, model: string, { answer }: CandidateAnswer, at: EpochMs): Cost {
  const call = { provider, usage: answer?.usage, at }
  const served = price({ ...call, model: answer?.model ?? model })
  return served.kind === 'unpriced' && served.why === 'unknown_model' ? price({ ...call, model }) : served
}
