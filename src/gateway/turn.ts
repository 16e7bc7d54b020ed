import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CapturedContent } from '../domain/content.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { Pins } from '../domain/routing/pins.ts'
import type { RoutingState } from '../domain/state.ts'
import type { RequestId } from '../domain/units.ts'
import type { Client } from './client.ts'
import type { Arrival } from './exchange-of.ts'
import type { Stages } from './stages.ts'

/** One request under way: what every step after recognition needs. */
export type Turn = {
  readonly id: RequestId
  readonly inbound: IncomingMessage
  readonly client: Client
  readonly arrival: Arrival
  /** The one snapshot that the whole request uses, across reloads. */
  readonly state: RoutingState
  readonly record: TurnRecord
  readonly pins: Pins
  /** Whether the port it came in by is open to this machine only. */
  readonly isLoopbackOnly: boolean
}

/** A turn that is answered with a response. */
export type WebTurn = Turn & { readonly response: ServerResponse }

/** The one record of a turn. */
export type TurnRecord = {
  readonly isMade: () => boolean
  /** Makes the record, unless there is one. `release` is called when it is in the spool, or known not to fit. */
  readonly make: (exchange: Exchange, release: () => void, content?: CapturedContent) => void
}

export function beginTurn(
  inbound: IncomingMessage,
  client: Client,
  stages: Stages,
  pins: Pins,
  isLoopbackOnly: boolean,
): Turn {
  const { world, state } = stages
  const id = world.newId()
  const arrival = { at: world.now(), monotonicMs: world.monotonic() }
  const record = createRecord(id, client, stages, pins)
  return { id, inbound, client, arrival, state: state.current(), record, pins, isLoopbackOnly }
}

function createRecord(id: RequestId, client: Client, stages: Stages, pins: Pins): TurnRecord {
  const { log, recorder, observe } = stages
  let isMade = false
  return {
    isMade: () => isMade,
    make: (exchange, release, content) => {
      if (isMade) return
      isMade = true
      pinAnswer(exchange, pins)
      const released = (): void => {
        try {
          release()
        } catch (bug) {
          log.error('request_failed', { trace_id: id, bug })
          client.cut()
        }
      }
      recorder.record(exchange, released, content)
      try {
        observe(exchange)
      } catch (bug) {
        log.error('observer_failed', { trace_id: id, bug }) // the record is made, and the client's answer on its way
      }
    },
  }
}

/** Before the client has the answer's last bytes: its next request may come at once. */
function pinAnswer({ request, inputs, attempts }: Exchange, pins: Pins): void {
  if (inputs === undefined || request.api !== 'responses') return
  const last = attempts.at(-1)
  if (last?.responseId === undefined) return
  const { provider } = last.target
  pins.keep(last.responseId, { provider, unit: inputs.facts.unit, key: request.client.keySubject })
}
