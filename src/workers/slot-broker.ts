import type { Policy } from '../domain/policy.ts'
import type { SlotAnswer, SlotQuestion } from '../domain/slot-messages.ts'

/** A call that waits for a permit. */
type Waiting = { readonly worker: number; readonly ticket: number }

type Lane = {
  readonly provider: string
  max: number
  maxQueued: number
  /** Permits by worker. */
  readonly held: Map<number, number>
  /** In order of arrival, from all workers. */
  queue: Waiting[]
  isScarce: boolean
  /** Workers that have not said yet what they have idle. */
  readonly recalled: Set<number>
}

export type SlotBroker = {
  readonly take: (worker: number, question: SlotQuestion) => void
  /** The worker is gone, and with it its calls and its permits. */
  readonly forget: (worker: number) => void
  readonly setPolicy: (policy: Policy) => void
}

/** A lane with fewer permits per worker than this leases none: a permit that lies idle somewhere would be missed. */
const LEAST_SHARE = 4

/**
 * Keeps `max_concurrent` and `max_queued` of each provider for the sum of `workers` processes: the permits given out
 * are never more than the limit, so neither are the calls.
 *
 * While permits are plenty each question is answered with a share of what is free, so that a busy worker soon asks no
 * more. When the last one is gone, idle permits are called back and every further one is given out singly, in order of
 * arrival, until half of them are free again: no worker starves while another idles.
 */
export function createSlotBroker(workers: number, tell: (worker: number, answer: SlotAnswer) => void): SlotBroker {
  const lanes = new Map<string, Lane>()

  const isLeasing = ({ max }: Lane): boolean => max >= LEAST_SHARE * workers
  const given = ({ held }: Lane): number => [...held.values()].reduce((sum, permits) => sum + permits, 0)
  const free = (lane: Lane): number => lane.max - given(lane)

  const laneOf = ({ provider, maxConcurrent, maxQueued }: SlotQuestion & { readonly kind: 'slot_ask' }): Lane => {
    const known = lanes.get(provider)
    if (known !== undefined) return known
    const lane: Lane = {
      provider,
      max: maxConcurrent,
      maxQueued,
      held: new Map(),
      queue: [],
      isScarce: false,
      recalled: new Set(),
    }
    lane.isScarce = !isLeasing(lane)
    lanes.set(provider, lane)
    return lane
  }

  const grant = (lane: Lane, { worker, ticket }: Waiting, extra: number): void => {
    lane.held.set(worker, (lane.held.get(worker) ?? 0) + 1 + extra)
    tell(worker, { kind: 'slot_grant', provider: lane.provider, ticket, extra, isScarce: lane.isScarce })
  }

  const recall = (lane: Lane): void => {
    lane.isScarce = true
    for (const [worker] of lane.held) {
      lane.recalled.add(worker)
      tell(worker, { kind: 'slot_recall', provider: lane.provider })
    }
  }

  /** Gives out what is free, then turns away those that may not wait, the latest first. */
  const pump = (lane: Lane): void => {
    for (let left = free(lane); left > 0; left--) {
      const next = lane.queue.shift()
      if (next === undefined) break
      grant(lane, next, 0)
    }
    if (lane.recalled.size > 0) return // what is on its way back may be enough for all
    for (const { worker, ticket } of lane.queue.splice(Math.max(0, lane.maxQueued)).reverse()) {
      tell(worker, { kind: 'slot_refuse', provider: lane.provider, ticket })
    }
    if (!lane.isScarce || !isLeasing(lane) || lane.queue.length > 0 || given(lane) > lane.max / 2) return
    lane.isScarce = false
    for (const [worker] of lane.held) tell(worker, { kind: 'slot_ease', provider: lane.provider })
  }

  return {
    take: (worker, question) => {
      if (question.kind === 'slot_ask') {
        const lane = laneOf(question)
        const waiting = { worker, ticket: question.ticket }
        if (!lane.isScarce) {
          const left = free(lane) - 1
          if (left >= 0) return grant(lane, waiting, Math.floor(left / (2 * workers)))
          recall(lane)
        }
        lane.queue.push(waiting)
        return pump(lane)
      }
      const lane = lanes.get(question.provider)
      if (lane === undefined) return
      if (question.kind === 'slot_leave') {
        lane.queue = lane.queue.filter((one) => one.worker !== worker || one.ticket !== question.ticket)
      } else {
        lane.held.set(worker, (lane.held.get(worker) ?? 0) - question.permits)
        if (question.isAnswer) lane.recalled.delete(worker)
      }
      pump(lane)
    },
    forget: (worker) => {
      for (const lane of lanes.values()) {
        lane.held.delete(worker)
        lane.recalled.delete(worker)
        lane.queue = lane.queue.filter((one) => one.worker !== worker)
        pump(lane)
      }
    },
    setPolicy: ({ providers }) => {
      for (const lane of lanes.values()) {
        const provider = providers.get(lane.provider)
        if (provider === undefined) continue // its last calls end under the limits they came with
        lane.max = provider.maxConcurrent
        lane.maxQueued = provider.maxQueued
        if (!lane.isScarce && (free(lane) < 0 || !isLeasing(lane))) recall(lane)
        pump(lane)
      }
    },
  }
}
