import type { Api, Dialect } from '../request.ts'
import type { ArmPin } from '../rollout/arm-pin.ts'
import type { EpochMs } from '../units.ts'
import type { Complexity, Need } from './route.ts'

/**
 * All that routing knows of a request: plain values, stored with the trace, so that the same facts, policy, overlay and
 * health decide the same again months later. Holds only the headers that some route matches on, and no prompt text.
 */
export type Facts = {
  /** Provider of the mount, and what came in there. */
  readonly provider: string
  readonly dialect: Dialect
  readonly api: Api
  readonly path: string
  /** As the client asked. */
  readonly model: string | undefined
  /** The client's `x-understudy-route`: takes the route of this name whatever it matches. */
  readonly routeAsked: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly key: string
  readonly team: string | undefined
  readonly user: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly labels: Labels
  /** Estimated from sampled text, images and tools included; undefined where no route asked. */
  readonly inputTokens: number | undefined
  readonly maxOutputTokens: number | undefined
  readonly turn: number | undefined
  readonly needs: readonly Need[]
  readonly isStream: boolean
  readonly at: EpochMs
  readonly unit: StickyUnit
  /** Undefined where the request brings all that it needs. */
  readonly stored?: StoredState | undefined
  /** Arms that the conversation has begun with; undefined where no rollout is live, or it begins now. */
  readonly armPins?: readonly ArmPin[] | undefined
}

/**
 * What a provider keeps for its client (an earlier answer, a conversation, a file, a cache) and the request goes on from:
 * nobody else has it. `provider` undefined: it is not known which.
 */
export type StoredState = { readonly provider: string | undefined }

export function isKeeperUnknown(stored: StoredState | undefined): boolean {
  return stored !== undefined && stored.provider === undefined
}

/** Where a label came from; `none` with `unknown`. */
export type LabelSource = 'header' | 'rule' | 'none'

export type Labels = {
  readonly task: string
  readonly taskSource: LabelSource
  readonly complexity: Complexity
  readonly complexitySource: LabelSource
}

/** Who stays on the same model: a hash, never the id itself. `source` none: the request stands alone. */
export type StickyUnit = {
  readonly value: string
  readonly source: 'session' | 'conversation' | 'first_turn' | 'user' | 'none'
}

/** What one request's prompt shows, read once and only where the policy asks; text is capped and never stored. */
export type PromptFacts = {
  readonly lastUserText: string
  readonly inputTokens: number
  readonly maxOutputTokens: number | undefined
  readonly turn: number
  readonly needs: readonly Need[]
  readonly hasCode: boolean
  /** SHA-256 over system prompt and first user turn, 16 hex digits: the conversation where nothing names one. */
  readonly conversationHash: string | undefined
  /** Names what was stored at the provider of the mount (a conversation, a file, a cache), or will be asked for there. */
  readonly namesStored: boolean
}
