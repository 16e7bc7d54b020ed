import { createHash, timingSafeEqual } from 'node:crypto'
import { formatListen, isLoopback } from '../config/listen-address.ts'
import type { Listen } from '../domain/policy.ts'

/** As in `Boot.admin`. */
export type AdminTokens = { readonly token: string | undefined; readonly readToken: string | undefined }

/** Whom a request comes from. `open`: no token is configured, so whoever can connect (this machine) may do everything. */
export type Access = 'full' | 'read' | 'open' | 'none'

/** What a route asks for. */
export type Need = 'nothing' | 'read' | 'write'

/** Why the admin port must not open like this; undefined when it may. The config is checked for it too; this is the lock. */
export function admissionFault(listen: Listen, { token, readToken }: AdminTokens): string | undefined {
  if (token?.trim() === '' || readToken?.trim() === '') {
    return 'expected admin tokens that are not empty, found an empty one: it would open the admin port to everyone'
  }
  if (token === undefined && readToken !== undefined) {
    return 'expected an admin token beside the read-only one, found none: full rights would need no token at all'
  }
  if (token !== undefined && token === readToken) {
    return 'expected the full and the read-only admin token to differ, found the same'
  }
  if (token === undefined && !isLoopback(listen.host)) {
    return `expected a loopback address (127.0.0.1, ::1, localhost) for an admin port without a token, found ${formatListen(listen)}: set an admin token to open it to the network`
  }
  return undefined
}

/** Tells who presents an `Authorization` header, in a time that says nothing about the tokens. */
export function createAccess({ token, readToken }: AdminTokens): (authorization: string | undefined) => Access {
  if (token === undefined) return () => 'open'
  const full = digest(token)
  const read = readToken === undefined ? undefined : digest(readToken)
  return (authorization) => {
    const presented = digest(/^Bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1] ?? '')
    // Both are always compared, and as digests: neither which one was nearly right nor a length can be measured.
    const isFull = timingSafeEqual(presented, full)
    const isRead = read !== undefined && timingSafeEqual(presented, read)
    return isFull ? 'full' : isRead ? 'read' : 'none'
  }
}

export function mayPass(access: Access, need: Need): boolean {
  switch (need) {
    case 'nothing':
      return true
    case 'read':
      return access !== 'none'
    case 'write':
      return access === 'full' || access === 'open'
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
