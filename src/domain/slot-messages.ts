/**
 * What workers and the primary say to each other about calls under way, so that a provider's limits hold for the sum.
 * A permit is the right to one call; a worker holds some, and the primary knows who holds how many.
 */

/** From a worker. */
export type SlotQuestion =
  /** It has no idle permit for this call. The limits are those that the call came with. */
  | {
      readonly kind: 'slot_ask'
      readonly provider: string
      readonly ticket: number
      readonly maxConcurrent: number
      readonly maxQueued: number
    }
  /** The call has gone before it was answered. */
  | { readonly kind: 'slot_leave'; readonly provider: string; readonly ticket: number }
  /** `isAnswer`: to a recall, which is answered even with none. */
  | {
      readonly kind: 'slot_return'
      readonly provider: string
      readonly permits: number
      readonly isAnswer: boolean
    }

/** From the primary. */
export type SlotAnswer =
  /** A permit for this call, and `extra` ones to keep. `isScarce`: permits come back as soon as they are idle. */
  | {
      readonly kind: 'slot_grant'
      readonly provider: string
      readonly ticket: number
      readonly extra: number
      readonly isScarce: boolean
    }
  | { readonly kind: 'slot_refuse'; readonly provider: string; readonly ticket: number }
  /** Permits have become scarce: return the idle ones now, and from now on each as soon as its call ends. */
  | { readonly kind: 'slot_recall'; readonly provider: string }
  /** Permits are plenty again: keep what is idle. */
  | { readonly kind: 'slot_ease'; readonly provider: string }
