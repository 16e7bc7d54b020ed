import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { errors } from 'undici'
import type { Provider } from '../domain/policy.ts'
import type { CallStage } from './failure.ts'

/** How far a relayed call has come, for the error that may follow. */
export type Progress = { readonly provider: Provider; stage: CallStage }

/** An answer that the parser let pass and that still is none: a final status below 200, an upgrade nobody asked for. */
export function notHttp(detail: string): Error {
  return Object.assign(new Error(detail), { code: 'HPE_NOT_AN_ANSWER' })
}

/** Destroys `outgoing` when no connection stands in time, and notes when it does. Call it once the socket is there. */
export function watchConnecting(outgoing: ClientRequest, call: Progress): void {
  const { socket } = outgoing
  if (socket === null || !socket.connecting) {
    call.stage = 'sent'
    return
  }
  const timer = setTimeout(
    () => outgoing.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' })),
    call.provider.connectTimeoutMs,
  )
  const isTls = call.provider.baseUrl.protocol === 'https:'
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    clearTimeout(timer)
    call.stage = 'sent'
  })
  socket.once('close', () => clearTimeout(timer))
}

/**
 * Destroys `outgoing` when the whole request has been sent and no answer begins in time. Interim answers (1xx) do not
 * count: an upstream may send them for ever.
 */
export function watchFirstByte(outgoing: ClientRequest, call: Progress): void {
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => clearTimeout(timer)
  outgoing.once('finish', () => {
    timer = setTimeout(() => outgoing.destroy(new errors.HeadersTimeoutError()), call.provider.firstByteTimeoutMs)
  })
  outgoing.once('response', stop).once('upgrade', stop).once('close', stop)
}

/**
 * Destroys `outgoing` when the upstream neither takes the request nor goes on with its answer. Silence that a slow
 * client causes is the client's: it neither sends its body nor reads the answer.
 */
export function watchSilence(outgoing: ClientRequest, response: ServerResponse, call: Progress): void {
  const { idleTimeoutMs } = call.provider
  let isAnswering = false
  const onSilence = (): void => {
    if (isAnswering ? !response.writableNeedDrain : outgoing.writableNeedDrain)
      outgoing.destroy(new errors.BodyTimeoutError())
  }
  outgoing.once('response', () => {
    isAnswering = true
  })
  outgoing.setTimeout(idleTimeoutMs, onSilence)
}

/** Takes an upgrade that no client asked for as the protocol error it is; without a listener it would never end. */
export function refuseUpgrade(outgoing: ClientRequest, onRefused: (error: Error) => void): void {
  outgoing.once('upgrade', (_answer: IncomingMessage, socket: Socket) => {
    socket.destroy()
    onRefused(notHttp('the upstream switched protocols unasked'))
  })
}
