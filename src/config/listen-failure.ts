import { UnderstudyError } from '../domain/errors.ts'
import type { Listen } from '../domain/policy.ts'
import { formatListen } from './listen-address.ts'

/** Why a port cannot be had, for the person who has just started the proxy: `key` is where the file says which one. */
export function listenFailure(
  key: 'listen' | 'admin.listen',
  listen: Listen,
  error: NodeJS.ErrnoException,
): UnderstudyError {
  const name = key === 'listen' ? 'data port' : 'admin port'
  return new UnderstudyError('internal', `${name}: cannot listen on ${formatListen(listen)}: ${why(key, error)}`, {
    cause: error,
  })
}

function why(key: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `another process holds it; stop that or set ${key} to another port`
    case 'EADDRNOTAVAIL':
      return `this machine has no such address; set ${key} to one that it has`
    case 'EACCES':
      return `this user may not; set ${key} to a port from 1024 on`
    default:
      return error.message
  }
}
