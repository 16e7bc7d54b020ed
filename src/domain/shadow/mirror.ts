import type { Decision } from '../decide.ts'
import type { Exchange } from '../exchange.ts'
import type { LlmRequest, RawHeaders } from '../request.ts'

/** A finished live request, its record made. Everything in it is memory that the live path has done with. */
export type MirrorOffer = {
  readonly exchange: Exchange
  /** The client's body, decoded; undefined where it could not be. */
  readonly body: Buffer | undefined
  /** The answer that the client got, decoded; undefined where nobody wanted it kept, or it was too large. */
  readonly answer: Buffer | undefined
  /** As the client sent them. */
  readonly headers: RawHeaders
}

/** What the request path knows of shadows. Neither of them throws or waits. */
export type Mirror = {
  /** Whether the answer to this request may be compared or scored: only then is it worth keeping its bytes. */
  readonly wants: (request: LlmRequest, decision: Decision) => boolean
  readonly offer: (offered: MirrorOffer) => void
}

export const NO_MIRROR: Mirror = { wants: () => false, offer: () => undefined }
