import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { MirrorPlan } from '../domain/shadow/mirror-plan.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import type { PicoUsd } from '../domain/units.ts'
import type { OutboundRequest } from '../domain/upstream-call.ts'
import type { CallFate } from './request-fate.ts'

/** One call to be made, with all that comparing its answer needs. */
export type ShadowJob = {
  readonly shadow: Shadow
  readonly plan: MirrorPlan
  readonly exchange: Exchange
  readonly stable: Attempt
  readonly requestBody: Buffer
  readonly stableAnswer: Buffer
  /** The call's body is not what the client sent: something was taken out of it. */
  readonly isRedacted: boolean
  /** Made only when the call is: nobody pays for a call that is not. */
  readonly makeCall: () => { readonly outbound: OutboundRequest; readonly adaptations: readonly string[] }
  readonly task: string
  readonly unit: string | undefined
  readonly projected: PicoUsd
  /** The projected cost is the most that the call can cost. */
  readonly isBound: boolean
  /** Of a routing audit: how many models answer the request besides the one that did. */
  readonly audited: number | undefined
  /** Told once what became of the call, unless it was not taken. */
  readonly ended: (fate: CallFate) => void
}
