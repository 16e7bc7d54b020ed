import { once } from 'node:events'
import { createServer } from 'node:net'

/** How many ports are tried after the wanted one. */
const TRIES = 50

/**
 * The first port on 127.0.0.1, from `wanted` upwards, on which nobody listens; 0 (any) when `wanted` is 0 or none of
 * the next 50 is free. Another process may take it before the caller does: the caller's own bind is the last word.
 */
export async function findFreePort(wanted: number): Promise<number> {
  if (wanted === 0) return 0
  const last = Math.min(wanted + TRIES, 65_535)
  for (let port = wanted; port <= last; port += 1) {
    if (await isFree(port)) return port
  }
  return 0
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ host: '127.0.0.1', port, exclusive: true })
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    if (server.listening) {
      server.close()
      await once(server, 'close')
    }
  }
}
