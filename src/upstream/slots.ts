import type { Provider } from '../domain/policy.ts'

/** What `acquire` answers with, at once or later; exactly one of the two is called, unless cancelled first. */
export type SlotWaiter = { readonly granted: () => void; readonly refused: () => void }

/** `maxConcurrent`: as the latest call brought it along, from the policy in force then. */
type Lane = { inFlight: number; maxConcurrent: number; readonly waiting: Set<SlotWaiter> }

/** How many calls a provider has under way and how many wait. */
export type SlotUse = { readonly provider: string; readonly inFlight: number; readonly queued: number }

export type Slots = {
  /** Grants a slot of `provider` now, or in order of arrival when one is free. Returns the cancel. */
  readonly acquire: (provider: Provider, waiter: SlotWaiter) => () => void
  readonly release: (provider: Provider) => void
  readonly use: () => readonly SlotUse[]
}

/**
 * Bounds the calls under way per provider (a bulkhead): past `maxConcurrent` a call waits, past `maxQueued` or
 * `queueTimeoutMs` it is refused. A reload applies from the next call on, to those that wait already as well.
 */
export function createSlots(): Slots {
  const lanes = new Map<string, Lane>()
  const laneOf = ({ name, maxConcurrent }: Provider): Lane => {
    let lane = lanes.get(name)
    if (lane === undefined) lanes.set(name, (lane = { inFlight: 0, maxConcurrent, waiting: new Set() }))
    return lane
  }
  const letIn = (lane: Lane): void => {
    for (const next of lane.waiting) {
      if (lane.inFlight >= lane.maxConcurrent) break
      lane.waiting.delete(next)
      lane.inFlight++
      next.granted()
    }
  }
  return {
    acquire: (provider, waiter) => {
      const lane = laneOf(provider)
      if (lane.maxConcurrent !== provider.maxConcurrent) {
        lane.maxConcurrent = provider.maxConcurrent
        letIn(lane)
      }
      if (lane.inFlight < lane.maxConcurrent && lane.waiting.size === 0) {
        lane.inFlight++
        waiter.granted()
        return () => undefined
      }
      if (lane.waiting.size >= provider.maxQueued) {
        waiter.refused()
        return () => undefined
      }
      const queued: SlotWaiter = {
        granted: () => {
          clearTimeout(timer)
          waiter.granted()
        },
        refused: waiter.refused,
      }
      const timer = setTimeout(() => {
        if (lane.waiting.delete(queued)) queued.refused()
      }, provider.queueTimeoutMs)
      lane.waiting.add(queued)
      return () => {
        clearTimeout(timer)
        lane.waiting.delete(queued)
      }
    },
    release: (provider) => {
      const lane = laneOf(provider)
      lane.inFlight--
      letIn(lane)
    },
    use: () => [...lanes].map(([provider, lane]) => ({ provider, inFlight: lane.inFlight, queued: lane.waiting.size })),
  }
}
