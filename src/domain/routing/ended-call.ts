import type { AttemptOutcome } from '../exchange.ts'
import type { Provider } from '../policy.ts'
import type { RawHeaders } from '../request.ts'
import type { MonotonicMs } from '../units.ts'
import type { FallbackTrigger } from './route.ts'

/** One call for a client, told when it has ended. */
export type EndedCall = {
  /** As the route calls the target; of one that no route names, `provider/model`. */
  readonly key: string
  readonly provider: Provider
  /** Of the client, where its own key was used: the limits of the account are its own, too. */
  readonly clientKey?: string | undefined
  /** What `begun` gave for it: without the number a probe is never over. */
  readonly probe: number | undefined
  readonly endedAt: MonotonicMs
  readonly durationMs: number
  /** To the first content; undefined where none came. */
  readonly firstTokenMs: number | undefined
  readonly isStream: boolean
  readonly outcome: AttemptOutcome
  /** What the target did wrong; undefined where it did well, the fault is the client's, or the client left. */
  readonly fault: TargetFault | undefined
  /** Of the answer, whatever its status; empty where none came. */
  readonly headers: RawHeaders
}

export type TargetFault = {
  readonly trigger: FallbackTrigger
  /** Asking the same target again would change nothing. */
  readonly isLasting?: boolean | undefined
  /** It says nothing of the target's other calls: what this client named, or wrote, may be all it is about. */
  readonly isOfCallOnly?: boolean | undefined
  /** How long the provider asks to be left alone. */
  readonly retryAfterMs: number | undefined
}
