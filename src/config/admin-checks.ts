import type { Listen } from '../domain/policy.ts'
import type { Path } from './fault.ts'
import { isLoopback, isWildcard, parseListen } from './listen-address.ts'
import type { Finding, Loose } from './loose.ts'

/** Who may reach the admin port, and with what. */
export function checkAdmin(file: Loose): Finding[] {
  const findings: Finding[] = []
  const listen = listenAt(file, ['admin', 'listen']) ?? { host: '127.0.0.1', port: 8788 }
  const data = listenAt(file, ['listen']) ?? { host: '127.0.0.1', port: 8787 }
  const path = ['admin', 'listen']
  const find = (at: Path, text: string): number => findings.push({ path: at, at: 'value', text })
  if (!isLoopback(listen.host) && !file.isSet(['admin', 'token'])) {
    const expected = 'an address only this machine can reach (127.0.0.1, [::1]), or an admin.token beside it'
    find(
      path,
      `expected ${expected}, found ${file.found(path)} without a token: whoever reaches this port could change the policy`,
    )
  }
  if (file.isSet(['admin', 'read_token']) && !file.isSet(['admin', 'token'])) {
    find(
      ['admin', 'read_token'],
      'expected an admin.token beside it, found none: full rights would need no token at all',
    )
  }
  const token = file.at(['admin', 'token'])
  if (typeof token === 'string' && token !== '' && token === file.at(['admin', 'read_token'])) {
    find(['admin', 'read_token'], 'expected another token than admin.token, found the same')
  }
  if (overlap(data, listen)) {
    const at = file.isSet(path) ? path : ['listen']
    find(at, `expected listen and admin.listen to differ, found ${file.found(at)}, which overlaps the other one`)
  }
  return findings
}

function overlap(one: Listen, other: Listen): boolean {
  if (one.port !== other.port || one.port === 0) return false
  return one.host === other.host || isWildcard(one.host) || isWildcard(other.host)
}

/** The address at `path`; undefined where there is none or it cannot be read. */
function listenAt(file: Loose, path: Path): Listen | undefined {
  const value = file.at(path)
  return typeof value === 'string' ? parseListen(value) : undefined
}
