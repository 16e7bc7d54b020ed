import type { StickyUnit } from './facts.ts'

/** Where an answer is kept that a later request may go on from, and whose conversation it belongs to. */
export type Pin = {
  readonly provider: string
  readonly unit: StickyUnit
  /** Subject of the key of the client that got it: only that one may ask for it by its id where others' keys are used. */
  readonly key: string
}

/**
 * Pins by the id of the answer: `previous_response_id` changes with every turn, and the conversation must not. A bounded
 * table of this process: whoever goes on from an answer that it does not know is a conversation of its own.
 */
export type Pins = {
  readonly find: (responseId: string) => Pin | undefined
  /** The oldest make room. */
  readonly keep: (responseId: string, pin: Pin) => void
}

/** About 3 MB. */
const MOST_PINS = 10_000

/** In two generations, as `createArmPins`: when the young one is full the old one is forgotten. */
export function createPins(most: number = MOST_PINS): Pins {
  let young = new Map<string, Pin>()
  let old = new Map<string, Pin>()
  return {
    find: (responseId) => young.get(responseId) ?? old.get(responseId),
    keep: (responseId, pin) => {
      if (young.size >= most / 2 && !young.has(responseId)) {
        old = young
        young = new Map()
      }
      young.set(responseId, pin)
    },
  }
}
