import { type Decision, DEFAULT_ROUTE, type Refusal } from '../domain/decide.ts'
import { isAuditQuestion } from '../domain/audit.ts'
import { totalsOf } from '../domain/exchange-totals.ts'
import type { Policy } from '../domain/policy.ts'
import type { LiveScoring } from '../domain/ports.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { Mirror, MirrorOffer } from '../domain/shadow/mirror.ts'
import type { RequestId, Unit } from '../domain/units.ts'

/** Requests whose answers are wanted and that have not ended; of more, the oldest are forgotten. */
const MOST_WANTED = 10_000

/**
 * The mirror, and beside it those that score live answers: they read the same bytes. Of answers that a rollout compares,
 * of both arms alike, at least the share is scored that the rollout asks for.
 */
export function alsoScoring(mirror: Mirror, live: LiveScoring, policy: () => Pick<Policy, 'rollouts'>): Mirror {
  const wanted = new Set<RequestId>()
  const want = (id: RequestId): void => {
    wanted.add(id)
    const [oldest] = wanted.size > MOST_WANTED ? wanted : []
    if (oldest !== undefined) wanted.delete(oldest)
  }
  return {
    wants: (request, decision) => {
      const task = request.controls.task ?? ''
      const isScored =
        !isAuditQuestion(request.controls) &&
        live.wants(request.id, strandOf(request, decision), task, leastShare(decision, policy()))
      if (isScored) want(request.id)
      return mirror.wants(request, decision) || isScored
    },
    offer: (offered) => {
      mirror.offer(offered)
      if (wanted.delete(offered.exchange.request.id)) offerLive(offered, live, policy())
    },
  }
}

/** What no route takes is told apart by the model that is asked for. */
function strandOf(request: LlmRequest, { route }: Decision): string {
  return route === DEFAULT_ROUTE ? (request.model ?? '') : route
}

function leastShare({ rollout }: Decision | Refusal, { rollouts }: Pick<Policy, 'rollouts'>): Unit {
  if (rollout === undefined || !rollout.isCompared) return 0
  return rollouts.find(({ name }) => name === rollout.name)?.scoredShare ?? 0
}

function offerLive({ exchange, body, answer }: MirrorOffer, live: LiveScoring, policy: Pick<Policy, 'rollouts'>): void {
  const { last } = totalsOf(exchange)
  const { request, decision } = exchange
  if (last === undefined || body === undefined || answer === undefined || exchange.outcome === 'cancelled') return
  live.offer({
    traceId: request.id,
    receivedAt: exchange.receivedAt,
    api: request.api,
    requestBody: body,
    answer: {
      attemptId: last.id,
      target: last.target,
      status: exchange.status,
      body: answer,
      cost: last.cost,
      durationMs: last.durationMs,
      firstTokenMs: last.firstTokenMs,
    },
    route: decision.route,
    task: exchange.inputs?.facts.labels.task ?? request.controls.task ?? 'unknown',
    arm: decision.arm,
    unit: decision.unit?.value,
    leastShare: leastShare(decision, policy),
    policyVersion: decision.policyVersion,
  })
}
