import type { IncomingMessage } from 'node:http'

/**
 * Whether a request that the parser let pass may be relayed: one `Host` (RFC 9112 §3.2 wants any other refused), and
 * no transfer coding but chunked, which the parser has taken off; of another nobody further on would know.
 */
export function isWellFramed(request: IncomingMessage): boolean {
  const coding = request.headers['transfer-encoding']
  return (coding === undefined || coding.toLowerCase() === 'chunked') && hasOneHost(request)
}

function hasOneHost({ rawHeaders, httpVersionMinor, httpVersionMajor }: IncomingMessage): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersionMajor === 1 && httpVersionMinor === 0)
}
