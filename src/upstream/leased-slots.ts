import type { Provider } from '../domain/policy.ts'
import type { SlotAnswer, SlotQuestion } from '../domain/slot-messages.ts'
import type { Slots, SlotWaiter } from './slots.ts'

/** `held`: permits of this process, `inFlight` of them in use. */
type Lane = { held: number; inFlight: number; isScarce: boolean; readonly waiting: Map<number, SlotWaiter> }

export type LeasedSlots = Slots & { readonly take: (answer: SlotAnswer) => void }

/**
 * Slots of one worker out of several: the limits are kept by the primary, which leases permits. While there are
 * plenty, a worker keeps what it was given and a call costs no message; once they are scarce every permit goes back
 * when its call ends, and the primary alone says who is next.
 */
export function createLeasedSlots(ask: (question: SlotQuestion) => void): LeasedSlots {
  const lanes = new Map<string, Lane>()
  let tickets = 0
  const laneOf = (provider: string): Lane => {
    let lane = lanes.get(provider)
    if (lane === undefined) lanes.set(provider, (lane = { held: 0, inFlight: 0, isScarce: true, waiting: new Map() }))
    return lane
  }
  const giveBack = (provider: string, lane: Lane, isAnswer: boolean): void => {
    const permits = lane.held - lane.inFlight
    lane.held -= permits
    if (permits > 0 || isAnswer) ask({ kind: 'slot_return', provider, permits, isAnswer })
  }
  return {
    acquire: (provider, waiter) => {
      const { name } = provider
      const lane = laneOf(name)
      if (lane.inFlight < lane.held && lane.waiting.size === 0) {
        lane.inFlight++
        waiter.granted()
        return () => undefined
      }
      const ticket = ++tickets
      const { maxConcurrent, maxQueued } = provider
      const leave = (): boolean => {
        clearTimeout(timer)
        const isWaiting = lane.waiting.delete(ticket)
        if (isWaiting) ask({ kind: 'slot_leave', provider: name, ticket })
        return isWaiting
      }
      const timer = setTimeout(() => {
        if (leave()) waiter.refused()
      }, provider.queueTimeoutMs)
      const whenAnswered = (tell: () => void) => (): void => {
        clearTimeout(timer)
        tell()
      }
      lane.waiting.set(ticket, { granted: whenAnswered(waiter.granted), refused: whenAnswered(waiter.refused) })
      ask({ kind: 'slot_ask', provider: name, ticket, maxConcurrent, maxQueued })
      return () => void leave()
    },
    release: ({ name }: Provider) => {
      const lane = laneOf(name)
      lane.inFlight--
      if (lane.isScarce) giveBack(name, lane, false)
    },
    use: () => [...lanes].map(([provider, lane]) => ({ provider, inFlight: lane.inFlight, queued: lane.waiting.size })),
    take: (answer) => {
      const lane = laneOf(answer.provider)
      switch (answer.kind) {
        case 'slot_grant': {
          lane.held += 1 + answer.extra
          lane.isScarce = answer.isScarce
          const waiter = lane.waiting.get(answer.ticket)
          if (waiter !== undefined) {
            lane.waiting.delete(answer.ticket)
            lane.inFlight++
            waiter.granted()
          }
          // One that is left over is for calls to come: those that wait already have answers of their own on the way.
          if (lane.isScarce) giveBack(answer.provider, lane, false)
          return
        }
        case 'slot_refuse': {
          const waiter = lane.waiting.get(answer.ticket)
          lane.waiting.delete(answer.ticket)
          return waiter?.refused()
        }
        case 'slot_recall':
          lane.isScarce = true
          return giveBack(answer.provider, lane, true)
        case 'slot_ease':
          lane.isScarce = false
      }
    },
  }
}
