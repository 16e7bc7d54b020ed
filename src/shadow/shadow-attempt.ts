import type { Cost } from '../domain/cost.ts'
import type { Attempt } from '../domain/exchange.ts'
import { mayBeBilled } from '../domain/exchange-totals.ts'
import type { Compare, PriceCall } from '../domain/ports.ts'
import type { EpochMs, PicoUsd, RequestId } from '../domain/units.ts'
import type { CandidateAnswer } from './call-candidate.ts'
import type { ShadowJob } from './shadow-job.ts'

/** Pico-dollars of a dollar. */
const PICO = 1e12

/** The call of `job` as its row has it. */
export function attemptOf(
  { plan, stable, shadow }: ShadowJob,
  answer: CandidateAnswer,
  { id, startedAt, price }: { readonly id: RequestId; readonly startedAt: EpochMs; readonly price: PriceCall },
): Attempt {
  const { target, arm, provider } = plan
  const { answer: read } = answer
  return {
    id,
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
    cost: costOf(price, provider.name, target.model, answer, startedAt),
    responseBytes: answer.responseBytes,
    streamEvents: answer.streamEvents,
  }
}

/** The answers of `job` beside each other, as whoever compares them wants them. `status`, `body`: the candidate's. */
export function comparisonOf(job: ShadowJob, attempt: Attempt, status: number, body: Buffer): Parameters<Compare>[0] {
  const { exchange, stable, plan, shadow, audited } = job
  const { audit } = shadow
  return {
    traceId: exchange.request.id,
    comparison: shadow.name,
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
  }
}

/** What is known to be spent, or else all that was set aside, where the provider may send a bill. */
export function spentOn(attempt: Attempt, projected: PicoUsd): PicoUsd {
  if (attempt.cost.kind === 'priced') return attempt.cost.picoUsd
  return mayBeBilled(attempt) ? projected : 0n
}

function sideOf({ id, target, cost, durationMs, firstTokenMs }: Attempt) {
  return { attemptId: id, target, cost, durationMs, firstTokenMs }
}

/**
 * What `attempt` cost more than `stable`, in US dollars; undefined where a cost is not known. A call that nobody can bill
 * cost nothing: else a model that fails would never be found to be the wrong pick.
 */
export function extraUsd(stable: Attempt, attempt: Attempt): number | undefined {
  const [own, other] = [costKnown(stable), costKnown(attempt)]
  return own === undefined || other === undefined ? undefined : Number(other - own) / PICO
}

function costKnown(attempt: Attempt): PicoUsd | undefined {
  if (attempt.cost.kind === 'priced') return attempt.cost.picoUsd
  return mayBeBilled(attempt) ? undefined : 0n
}

/** By the model that answered, or where nobody knows a price for that, by the one that was asked. */
function costOf(price: PriceCall, provider: string, model: string, { answer }: CandidateAnswer, at: EpochMs): Cost {
  const call = { provider, usage: answer?.usage, at }
  const served = price({ ...call, model: answer?.model ?? model })
  return served.kind === 'unpriced' && served.why === 'unknown_model' ? price({ ...call, model }) : served
}
