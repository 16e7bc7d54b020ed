import { GOLDEN } from '../domain/audit.ts'
import { showKey } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { checkAuditKind } from './audit-kind-checks.ts'
import { unknownName } from './match-checks.ts'

/** Names of audits, and of the routes that they ask. */
export function checkAudits(file: Loose): Finding[] {
  const routes = file.stepsAt(['routes']).map(String)
  return file
    .stepsAt(['audits'])
    .map(String)
    .flatMap((name): Finding[] => {
      const path = ['audits', name]
      const expected = 'a name of at most 64 letters, digits, - and _ that starts with a letter'
      const isName = /^[A-Za-z][\w.-]{0,63}$/.test(name)
      const unknown = file.stepsAt([...path, 'routes']).flatMap((step): Finding[] => {
        const place = [...path, 'routes', step]
        const route = file.at(place)
        if (typeof route !== 'string' || routes.includes(route)) return []
        return [{ path: place, at: 'value', text: unknownName(file, place, route, routes, 'a route of this file') }]
      })
      const taken = `expected another name, found "${GOLDEN}": so are called the runs of the command`
      return [
        ...(name === GOLDEN ? [{ path, at: 'key' as const, text: taken }] : []),
        ...(isName ? [] : [{ path, at: 'key' as const, text: `expected ${expected}, found "${showKey(name)}"` }]),
        ...(routes.length > 0
          ? unknown
          : [
              { path, at: 'key' as const, text: 'expected routes in this file, found none: there is nothing to audit' },
            ]),
        ...checkAuditKind(file, name),
      ]
    })
}
