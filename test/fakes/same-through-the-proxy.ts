import { expect } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import type { ReceivedRequest } from '../../src/simulator/request-log.ts'
import { seenByUpstream, type Twins } from './direct-and-proxied.ts'
import type { Header } from './http-message.ts'

export type Same = {
  /** One for each request that the client made through the proxy, oldest first. */
  readonly records: readonly Exchange[]
  /** The same requests as the provider behind the proxy received them. */
  readonly received: readonly ReceivedRequest[]
}

/**
 * Runs a client against one twin directly and against the other through the proxy, and fails unless both runs return
 * the same and both twins receive the same requests: bodies byte for byte, and every header but those of the hop.
 * `run` gets a URL without a path; what it returns is compared as JSON. Twins serve one such run at a time.
 */
export async function sameThroughTheProxy<T>(
  { direct, behind, proxy }: Twins,
  run: (url: string) => Promise<T>,
): Promise<Same & { readonly result: T }> {
  direct.forgetRequests()
  behind.forgetRequests()
  const straight = await run(direct.url)
  const before = proxy.exchanges.length
  const result = await run(proxy.url)
  expect(JSON.stringify(result)).toBe(JSON.stringify(straight))
  const received = behind.requests()
  expect(received.map(asOnTheWire)).toEqual(direct.requests().map(asOnTheWire))
  expect(received.length).toBeGreaterThan(0)
  const records = (await proxy.recorded(before + received.length)).slice(before)
  expect(records).toHaveLength(received.length)
  return { result, records, received }
}

function asOnTheWire(request: ReceivedRequest): unknown {
  const { method, path, bodyBytes, body } = request
  return { method, path, bodyBytes, body: body.toString('latin1'), headers: seenByUpstream(headersOf(request)) }
}

/** The headers of a request in pairs, as on the wire. */
export function headersOf({ rawHeaders }: ReceivedRequest): readonly Header[] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : []))
}
