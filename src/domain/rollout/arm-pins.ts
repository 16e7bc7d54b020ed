import type { StickyUnit } from '../routing/facts.ts'
import type { EpochMs } from '../units.ts'
import type { ArmPin } from './arm-pin.ts'

/**
 * Arms of running conversations, by unit: a share that is raised in the middle of one must not exchange its model. A
 * bounded table of this process; a reload leaves it as it is. Another process that a conversation comes to deals it anew.
 */
export type ArmPins = {
  /** Undefined where nothing is pinned; an ended conversation is forgotten. */
  readonly find: (unit: StickyUnit, now: EpochMs) => readonly ArmPin[] | undefined
  /** Also says that the conversation is alive. Those that have been silent the longest make room. */
  readonly keep: (unit: StickyUnit, pin: ArmPin, now: EpochMs) => void
  readonly size: () => number
}

/** 18 MB. */
const MOST_CONVERSATIONS = 50_000
/** Whoever comes back later begins anew: by then no provider has its prompt cached, and no stage should wait for it. */
const SILENCE_MS = 30 * 60_000
/** Names that are used for ever (a session per user, a cache key per application) would never see a candidate. */
const LONGEST_MS = 24 * 3_600_000

type Conversation = { readonly begunAt: EpochMs; lastAt: EpochMs; pins: readonly ArmPin[] }

/**
 * Two generations: who asks is in the young one, and when that is full the old one is forgotten. Kept in order of their last
 * requests in one map instead, by deleting and setting, 50,000 conversations cost 20 µs a request and more.
 */
export function createArmPins(most: number = MOST_CONVERSATIONS): ArmPins {
  let young = new Map<string, Conversation>()
  let old = new Map<string, Conversation>()

  const running = (unit: string, now: EpochMs): Conversation | undefined => {
    const found = young.get(unit) ?? old.get(unit)
    if (found === undefined) return undefined
    return now - found.lastAt < SILENCE_MS && now - found.begunAt < LONGEST_MS ? found : undefined
  }

  const keepYoung = (unit: string, conversation: Conversation): void => {
    if (young.get(unit) === conversation) return
    if (young.size >= most / 2) {
      old = young
      young = new Map()
    }
    old.delete(unit)
    young.set(unit, conversation)
  }

  return {
    find: (unit, now) => (isConversation(unit) ? running(unit.value, now)?.pins : undefined),
    keep: (unit, pin, now) => {
      if (!isConversation(unit)) return
      const conversation = running(unit.value, now) ?? { begunAt: now, lastAt: now, pins: [] }
      conversation.lastAt = now
      const { rollout, epoch } = pin
      if (!conversation.pins.some((each) => each.rollout === rollout && each.epoch === epoch)) {
        conversation.pins = [...conversation.pins.filter((each) => each.rollout !== rollout), pin]
      }
      keepYoung(unit.value, conversation)
    },
    size: () => young.size + old.size,
  }
}

/** A user has many conversations, and a request that stands alone is none. */
function isConversation({ source }: StickyUnit): boolean {
  return source === 'session' || source === 'conversation' || source === 'first_turn'
}
