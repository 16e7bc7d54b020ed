import { asksNoModel } from '../dialects/asks-no-model.ts'
import type { Cost } from '../domain/cost.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Provider } from '../domain/policy.ts'
import type { RawHeaders, Recognised } from '../domain/request.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'
import { crash } from './crash.ts'
import { guarded } from './guarded.ts'
import { createPassage, outcomeFor } from './passage.ts'
import { cutOutcome } from './cut-outcome.ts'
import type { Stages } from './stages.ts'
import type { WebTurn } from './turn.ts'

const NOT_BILLED: Cost = { kind: 'not_billed' }
const notBilled = (): Cost => NOT_BILLED

/**
 * Relays a request that the proxy does not read, and still leaves a trace of it. `brokenBy`: the client's bytes went
 * wrong on the way, and this is what it has been told; or the proxy had to close its connection.
 */
export function passThrough(
  turn: WebTurn,
  recognised: Recognised,
  provider: Provider,
  stages: Stages,
  brokenBy: () => ErrorCode | undefined,
): void {
  const { inbound, response } = turn
  const isFree = asksNoModel(inbound.method ?? '', recognised.upstreamPath)
  const passage = createPassage(turn, recognised, provider, stages, isFree ? notBilled : stages.price)
  const { client } = turn
  let requestBytes = 0
  const onThrow = (bug: unknown): void => crash(turn, passage.request, bug, passage.told(), stages)
  const conclude = (seen: AttemptOutcome, release: () => void): void => {
    const error = brokenBy()
    const outcome = error === undefined ? seen : cutOutcome(passage.told(), error, passage.hasStarted())
    passage.conclude({ outcome, requestBytes, release })
  }
  const leave = (): void => conclude({ kind: 'cancelled', status: passage.told() }, () => undefined)
  response.once('close', guarded(leave, onThrow))
  const head = (code: number, headers: RawHeaders): string[] => {
    const all = [...stages.inboundHeaders(headers), ...passage.ownHeaders()]
    passage.head(code)
    return all
  }
  const failed = ({ error, mayHaveRun }: UpstreamFailure): void => {
    const status = passage.told()
    if (status !== undefined) return conclude({ kind: 'interrupted', status, error }, client.cut)
    const tell = (): void => client.tell(recognised.dialect, error, turn.id, passage.ownHeaders())
    conclude({ kind: 'unavailable', error, mayHaveRun }, tell)
  }
  stages.passThrough.web(inbound, response, provider, recognised.upstreamPath, passage.traceparent, {
    started: passage.started,
    head: guarded<[number, RawHeaders], string[] | undefined>(head, (bug) => {
      onThrow(bug)
      return undefined
    }),
    received: (count) => {
      requestBytes += count
    },
    bytes: passage.bytes,
    end: guarded((release: () => void) => conclude(outcomeFor(passage.told() ?? 0), release), onThrow),
    failed: guarded(failed, onThrow),
  })
}
