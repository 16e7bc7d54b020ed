import { FEEDBACK_RULE } from '../../src/domain/feedback/rule.ts'
import type { Tally } from '../../src/domain/feedback/tally.ts'
import type { FedRequest } from './feedback-rows.ts'

type Valued = { readonly request: FedRequest; readonly value: number }

/** Of each unit and day the first value, by arrival. */
export function firstValues(
  of: readonly FedRequest[],
  asOf: number,
  value: (request: FedRequest) => number | undefined,
): readonly Valued[] {
  const found = new Map<string, { readonly request: FedRequest; readonly value: number }>()
  for (const request of of) {
    const own = value(request)
    const isInTime =
      request.receivedAt > asOf - FEEDBACK_RULE.horizonMs &&
      request.receivedAt <= asOf - FEEDBACK_RULE.watermarkMs &&
      request.scoredAt <= asOf
    if (own === undefined || !isInTime) continue
    const day = new Date(request.receivedAt).toISOString().slice(0, 10)
    const key = `${day} ${request.unit === '' ? request.id : request.unit}`
    const known = found.get(key)
    const isEarlier =
      known === undefined ||
      request.scoredAt < known.request.scoredAt ||
      (request.scoredAt === known.request.scoredAt && request.id < known.request.id)
    if (isEarlier) found.set(key, { request, value: own })
  }
  return [...found.values()]
}

/** Their sums by hand, each discounted by the age of its request. */
export function talliedByHand(values: readonly Valued[], asOf: number): Tally {
  let [mass, sum, squares] = [0, 0, 0]
  for (const { request, value } of values) {
    const weight = 0.5 ** ((asOf - request.receivedAt) / FEEDBACK_RULE.halfLifeMs)
    mass += weight
    sum += weight * value
    squares += weight * value * value
  }
  return { mass, sum, squares }
}
