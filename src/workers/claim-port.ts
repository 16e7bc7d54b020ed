import { createServer } from 'node:net'
import { listenFailure } from '../config/listen-failure.ts'
import type { Listen } from '../domain/policy.ts'

/**
 * Makes sure that nobody listens at `listen`, and chooses the port where it is 0. Workers share theirs with
 * SO_REUSEPORT, which would as well let in another proxy of the same user, and each would get half of the calls.
 * Rejects with the error that a proxy of a single process would have met.
 */
export function claimPort(listen: Listen): Promise<Listen> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFailure('listen', listen, error)))
    server.listen(listen.port, listen.host, () => {
      const address = server.address()
      const free = typeof address === 'object' && address !== null ? { host: listen.host, port: address.port } : listen
      server.close(() => resolve(free))
    })
  })
}
