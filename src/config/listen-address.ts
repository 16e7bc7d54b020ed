import { isIPv4, isIPv6 } from 'node:net'
import type { Listen } from '../domain/policy.ts'

/** Reads `127.0.0.1:8787`, `[::1]:8787` or `localhost:8787`; port 0 asks for any free one. Undefined for the rest. */
export function parseListen(text: string): Listen | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, ipv6, name, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined
  return name !== undefined && isHost(name) ? { host: name, port } : undefined
}

/** As `parseListen` reads it. */
export function formatListen(listen: Listen): string {
  return isIPv6(listen.host) ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`
}

/** The name or address in a `Host` header, its port left out; undefined for what is none. IPv6 keeps its brackets. */
export function hostOf(header: string): string | undefined {
  return /^(\[[\da-f:.]+\]|[a-z\d._-]+)(?::\d{1,5})?$/i.exec(header)?.[1]
}

/** Whether only this machine can connect to `host`. A name other than localhost may mean anything, so it cannot. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  const mapped = bare.replace(/^::ffff:/, '')
  return bare === 'localhost' || bare === '::1' || (isIPv4(mapped) && mapped.startsWith('127.'))
}

/** Whether `host` stands for every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function isHost(name: string): boolean {
  // All digits and dots is an IPv4 address or a slip of one, never a name.
  if (/^[\d.]+$/.test(name)) return isIPv4(name)
  return name.length <= 253 && name.split('.').every((label) => /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(label))
}
