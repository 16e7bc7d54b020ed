import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '../domain/errors.ts'
import type { Limits } from '../domain/policy.ts'

/** A request body, whole; or why there is none. `gone`: the client left before it had sent it all. */
export type Received =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'rejected'; readonly error: ErrorCode }
  | { readonly kind: 'gone'; readonly receivedBytes: number }

/**
 * Collects the raw body, as it is on the wire, within the limits. `done` is called once, from whichever event of the
 * request or its timer came last: a callback and no promise, since every request pays for it.
 */
export function receive(request: IncomingMessage, limits: Limits, done: (received: Received) => void): void {
  const declared = Number(request.headers['content-length'])
  if (declared > limits.maxBodyBytes) return done({ kind: 'rejected', error: 'body_too_large' })
  const chunks: Buffer[] = []
  let receivedBytes = 0
  let isSettled = false
  // The listeners stay: taking five off costs more than the flag, and the request goes with them soon.
  const settle = (received: Received): void => {
    isSettled = true
    clearTimeout(timer)
    done(received)
  }
  const onGone = (): void => {
    if (!isSettled) settle({ kind: 'gone', receivedBytes })
  }
  const timer = setTimeout(() => {
    request.pause()
    settle({ kind: 'rejected', error: 'body_timeout' })
  }, limits.bodyTimeoutMs)
  request
    .on('data', (chunk: Buffer) => {
      if (isSettled) return
      receivedBytes += chunk.length
      if (receivedBytes <= limits.maxBodyBytes) return void chunks.push(chunk)
      request.pause()
      settle({ kind: 'rejected', error: 'body_too_large' })
    })
    .on('end', () => {
      if (isSettled) return
      const [only] = chunks
      settle({ kind: 'body', bytes: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks) })
    })
    .on('close', onGone)
    .on('error', onGone)
}
