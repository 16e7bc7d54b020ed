import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RoutingState } from '../domain/state.ts'
import type { RequestId } from '../domain/units.ts'
import type { Arrival } from './exchange-of.ts'

/** One request under way: what every step after recognition needs. */
export type Turn = {
  readonly id: RequestId
  readonly inbound: IncomingMessage
  readonly response: ServerResponse
  readonly arrival: Arrival
  /** The one snapshot that the whole request uses, across reloads. */
  readonly state: RoutingState
}
