import { totalsOf } from '../domain/exchange-totals.ts'
import type { LiveScoring } from '../domain/ports.ts'
import type { Mirror, MirrorOffer } from '../domain/shadow/mirror.ts'
import type { RequestId } from '../domain/units.ts'

/** Requests whose answers are wanted and that have not ended; of more, the oldest are forgotten. */
const MOST_WANTED = 10_000

/** The mirror, and beside it those that score live answers: they read the same bytes. */
export function alsoScoring(mirror: Mirror, live: LiveScoring): Mirror {
  const wanted = new Set<RequestId>()
  const want = (id: RequestId): void => {
    wanted.add(id)
    const [oldest] = wanted.size > MOST_WANTED ? wanted : []
    if (oldest !== undefined) wanted.delete(oldest)
  }
  return {
    wants: (request) => {
      // The route is not known yet; what model is asked for tells requests apart as well.
      const isScored = live.wants(request.id, request.model ?? '', request.controls.task ?? '')
      if (isScored) want(request.id)
      return mirror.wants(request) || isScored
    },
    offer: (offered) => {
      mirror.offer(offered)
      if (wanted.delete(offered.exchange.request.id)) offerLive(offered, live)
    },
  }
}

function offerLive({ exchange, body, answer }: MirrorOffer, live: LiveScoring): void {
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
    task: request.controls.task ?? 'unknown',
    arm: decision.arm,
    unit: decision.unit?.value,
    policyVersion: decision.policyVersion,
  })
}
