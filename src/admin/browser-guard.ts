import type { IncomingHttpHeaders } from 'node:http'
import { hostOf, isLoopback } from '../config/listen-address.ts'

/**
 * Why a request to an admin port without a token is refused; undefined when it may pass. Only this machine can
 * connect, but a web page in this machine's browser can too:
 *
 * - A page whose host name was pointed at 127.0.0.1 (DNS rebinding) is same-origin for the browser and could read
 *   everything; its `Host` header still holds the page's own name.
 * - Any page can send a write blindly; its `Origin`, `Referer` or `Sec-Fetch-Site` tells. Command line tools send
 *   none of the three.
 */
export function browserFault(headers: IncomingHttpHeaders, isWrite: boolean): string | undefined {
  const host = headers.host ?? ''
  if (!isLoopbackHost(host)) {
    return 'Without an admin token this port answers only to localhost, 127.0.0.1 and [::1] in the Host header.'
  }
  if (!isWrite) return undefined
  const site = headers['sec-fetch-site']
  const from = headers.origin ?? headers.referer
  const isForeign =
    (site !== undefined && site !== 'same-origin' && site !== 'none') ||
    (from !== undefined && originOf(from) !== `http://${host.toLowerCase()}`)
  return isForeign ? 'Without an admin token, writes sent by the page of another site are refused.' : undefined
}

/** `localhost`, `127.0.0.1:8788`, `[::1]:8788`: a loopback name with or without a port, and nothing else. */
function isLoopbackHost(host: string): boolean {
  const name = hostOf(host)
  return name !== undefined && isLoopback(name)
}

/** `null` (a sandboxed page) and what is no URL are no origin. */
function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}
