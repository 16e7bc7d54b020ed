import { originForm } from '../dialects/recognise.ts'
import { isForeignCaller } from './is-foreign.ts'
import { clientKeySubject } from './read-request.ts'
import { receive } from './receive.ts'
import type { Stages } from './stages.ts'
import type { WebTurn } from './turn.ts'

/** Feedback with its comment fits many times over. */
const LIMITS = { maxBodyBytes: 64 * 1024, bodyTimeoutMs: 10_000 }

/** Whether `url` may be one of the proxy's own. */
export function isOwnPath(url: string | undefined): boolean {
  return originForm(url ?? '')?.startsWith('/understudy/v1/') === true
}

/**
 * Answers a request to a path of the proxy's own; `otherwise` where there is nothing. No model is called, so it leaves no
 * trace. Whoever may have a key of the server's spent may also say what came of it: the same callers are refused.
 */
export function answerOwn(turn: WebTurn, stages: Stages, otherwise: () => void, failed: (bug: unknown) => void): void {
  const { inbound, response, state, isLoopbackOnly } = turn
  const tell = (status: number, json: unknown): void => {
    const body = Buffer.from(JSON.stringify(json))
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  }
  const refuse = (status: number, code: string, message: string): void => {
    tell(status, { error: { code, message } })
    inbound.resume()
  }
  if (isForeignCaller(inbound.headers, state.policy.access, isLoopbackOnly)) {
    return refuse(403, 'forbidden_origin', 'Web pages may not call this unless access.allowed_origins names them.')
  }
  const path = (originForm(inbound.url ?? '') ?? '').split('?', 1)[0] ?? ''
  const keySubject = clientKeySubject(inbound.headers)
  receive(inbound, LIMITS, (received) => {
    if (received.kind === 'gone') return
    if (received.kind === 'rejected') return refuse(413, received.error, 'Expected at most 64 KB within 10 seconds.')
    const request = { method: inbound.method ?? '', path, keySubject, body: received.bytes }
    stages
      .answerOwn(request)
      .then((answer) => (answer === undefined ? otherwise() : tell(answer.status, answer.json)))
      .catch(failed)
  })
}
