import type { IncomingHttpHeaders } from 'node:http'
import { hostOf, isLoopback } from '../config/listen-address.ts'
import type { Access, Provider } from '../domain/policy.ts'
import { takesClientKey } from '../domain/server-key.ts'

/**
 * Whether a request that needs no key of its client's (the server's is spent, or none is asked for) comes from a web page
 * in somebody's browser:
 *
 * - Any page can send a POST blindly, or open a WebSocket; its `Origin` tells. Programs send none.
 * - A page whose host name was pointed at 127.0.0.1 (DNS rebinding) is same-origin for the browser and could read the
 *   answer; its `Host` still holds the page's own name. Where others than this machine can connect anyway, names say nothing.
 */
export function isForeign(
  headers: IncomingHttpHeaders,
  provider: Provider,
  access: Access,
  isLoopbackOnly: boolean,
): boolean {
  return !takesClientKey(provider) && isForeignCaller(headers, access, isLoopbackOnly)
}

/** The same of a request for which no key is looked at at all. */
export function isForeignCaller(
  { origin, host }: IncomingHttpHeaders,
  { allowedOrigins, allowedHosts }: Access,
  isLoopbackOnly: boolean,
): boolean {
  if (origin !== undefined && !allowedOrigins.has(origin.toLowerCase())) return true
  if (!isLoopbackOnly || host === undefined) return false // only HTTP/1.0 has no host, and no browser speaks that
  const name = hostOf(host)
  return name === undefined || !(isLoopback(name) || allowedHosts.has(name.toLowerCase()))
}
