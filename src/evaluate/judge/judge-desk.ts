import type { JudgePolicy } from '../../domain/scoring-policy.ts'
import type { JudgeCall, PriceCall, World } from '../../domain/ports.ts'
import type { Provider } from '../../domain/policy.ts'
import { createSpendBudget, type Spend, type SpendBudget, type SpendLimits } from '../../domain/spend-budget.ts'
import type { PicoUsd } from '../../domain/units.ts'
import { NO_RATES } from '../../domain/cost.ts'
import { type BoundedQueue, createBoundedQueue } from '../bounded-queue.ts'
import type { AskJudge, JudgeReply, NotAsked } from './hear-out.ts'
import { projectedCall } from './judge-cost.ts'
import { judgeOfPolicy } from './judge-of-policy.ts'
import type { JudgeRequest } from './judge-request.ts'
import type { SendJudge } from './send-judge.ts'

/** The judge of the policy in force, and the provider it is asked through. */
export type SeatedJudge = { readonly policy: JudgePolicy; readonly provider: Provider }

/** What a call to the judge is made for. */
export type JudgeMatter = Pick<JudgeCall, 'traceId' | 'route' | 'task' | 'policyVersion'>

/** One case: `hear` asks as often as it needs to; it must not reject. */
export type JudgeJob = {
  readonly matter: JudgeMatter
  readonly judge: SeatedJudge
  readonly hear: (ask: AskJudge) => Promise<void>
  readonly bytes: number
}

export type DeskCounts = {
  readonly queued: number
  readonly underWay: number
  /** Cases dropped because too many waited. */
  readonly dropped: number
  readonly calls: number
  /** Calls not made, for want of budget or of a price. */
  readonly refused: Readonly<Record<NotAsked, number>>
  readonly spend: Spend
}

/** Where cases wait for the judge: so many at a time, within the budget. */
export type JudgeDesk = {
  readonly take: (job: JudgeJob) => boolean
  /** Asks now, within the budget, without waiting in line. */
  readonly askNow: (judge: SeatedJudge, matter: JudgeMatter) => AskJudge
  /** Resolves when nothing waits and nothing is under way. */
  readonly idle: () => Promise<void>
  readonly counts: () => DeskCounts
  readonly budget: Pick<SpendBudget, 'add'>
  /** Nothing waits any more; what is under way comes to its end. */
  readonly clear: () => void
}

/** Answers that wait for a judge. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

function partOf({ perHour, perDay }: SpendLimits, processes: number): SpendLimits {
  const part = (limit: PicoUsd | undefined): PicoUsd | undefined => limit && limit / BigInt(processes)
  return { perHour: part(perHour), perDay: part(perDay) }
}

export type DeskOptions = {
  readonly world: World
  readonly price: PriceCall
  readonly send: SendJudge
  /** Told of every call that was made. */
  readonly onCall: (call: JudgeCall) => void
  /** Processes that share the budget: each has its part of it. 1 unless told otherwise. */
  readonly processes?: number
}

export function createJudgeDesk({ world, price, send, onCall, processes = 1 }: DeskOptions): JudgeDesk {
  const budget = createSpendBudget()
  let waiting: BoundedQueue<JudgeJob> = createBoundedQueue(MAX_WAITING_BYTES)
  const refused = { budget: 0, unpriced: 0 }
  let underWay = 0
  let dropped = 0
  let calls = 0
  const onIdle: (() => void)[] = []

  const notAsked = (why: NotAsked): NotAsked => {
    refused[why] += 1
    return why
  }
  const ask = async (
    { policy, provider }: SeatedJudge,
    matter: JudgeMatter,
    request: JudgeRequest,
  ): Promise<JudgeReply | NotAsked> => {
    const now = world.now()
    const { usage } = projectedCall(judgeOfPolicy(policy), request, NO_RATES)
    const most = price({ provider: provider.name, model: policy.model, usage, at: now })
    if (most.kind === 'unpriced') return notAsked('unpriced')
    const reserved = budget.reserve(most.picoUsd, partOf(policy.budget, processes), now)
    if (reserved === undefined) return notAsked('budget')
    calls += 1
    const { attempt, body } = await send(policy, provider, request)
    const { cost, outcome } = attempt
    const isFree = outcome.kind === 'refused' || (outcome.kind === 'unavailable' && !outcome.mayHaveRun)
    const picoUsd = isFree ? 0n : cost.kind === 'priced' ? cost.picoUsd : undefined
    reserved.settle(picoUsd ?? most.picoUsd)
    onCall({ ...matter, api: policy.api, attempt })
    return { status: outcome.kind === 'completed' || outcome.kind === 'refused' ? outcome.status : 0, body, picoUsd }
  }

  const begin = async (job: JudgeJob): Promise<void> => {
    await job.hear((request) => ask(job.judge, job.matter, request))
    underWay -= 1
    pump()
  }

  function pump(): void {
    for (;;) {
      const job = underWay < limit ? waiting.shift() : undefined
      if (job === undefined) break
      underWay += 1
      void begin(job)
    }
    if (underWay === 0 && waiting.size() === 0) for (const resolve of onIdle.splice(0)) resolve()
  }
  let limit = 1

  return {
    take: (job) => {
      limit = job.judge.policy.maxConcurrent
      const isTaken = waiting.push(job, job.bytes, job.judge.policy.maxQueued + Math.max(0, limit - underWay))
      if (!isTaken) dropped += 1
      pump()
      return isTaken
    },
    askNow: (judge, matter) => (request) => ask(judge, matter, request),
    idle: () => new Promise((resolve) => (underWay === 0 && waiting.size() === 0 ? resolve() : onIdle.push(resolve))),
    counts: () => ({
      queued: waiting.size(),
      underWay,
      dropped,
      calls,
      refused: { ...refused },
      spend: budget.spend(world.now()),
    }),
    budget,
    clear: () => {
      waiting = createBoundedQueue(MAX_WAITING_BYTES)
    },
  }
}
