import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '../domain/errors.ts'
import type { Limits } from '../domain/policy.ts'

/** A request body, whole; or why there is none. `gone`: the client left before it had sent it all. */
export type Received =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'rejected'; readonly error: ErrorCode }
  | { readonly kind: 'gone'; readonly receivedBytes: number }

/** Collects the raw body, as it is on the wire, within the limits. */
export function receive(request: IncomingMessage, limits: Limits): Promise<Received> {
  return new Promise((resolve) => {
    const declared = Number(request.headers['content-length'])
    if (declared > limits.maxBodyBytes) return resolve({ kind: 'rejected', error: 'body_too_large' })
    const chunks: Buffer[] = []
    let receivedBytes = 0
    const settle = (received: Received): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone)
      resolve(received)
    }
    const onData = (chunk: Buffer): void => {
      receivedBytes += chunk.length
      if (receivedBytes > limits.maxBodyBytes) {
        request.pause()
        return settle({ kind: 'rejected', error: 'body_too_large' })
      }
      chunks.push(chunk)
    }
    const onEnd = (): void => {
      const [only] = chunks
      settle({ kind: 'body', bytes: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks) })
    }
    const onGone = (): void => settle({ kind: 'gone', receivedBytes })
    const timer = setTimeout(() => {
      request.pause()
      settle({ kind: 'rejected', error: 'body_timeout' })
    }, limits.bodyTimeoutMs)
    request.on('error', onGone) // first: a later `off` must not leave the socket's error unhandled
    request.on('error', () => undefined)
    request.on('data', onData).on('end', onEnd).on('close', onGone)
  })
}
