import { DEFAULT_ROUTE } from '../domain/decide.ts'
import { showKey } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { unknownName } from './match-checks.ts'

/** Providers and routes that are not there, and names that could not stand in a placeholder. */
export function checkContent(file: Loose): Finding[] {
  const providers = file.stepsAt(['providers']).map(String)
  const routes = [...file.stepsAt(['routes']).map(String), DEFAULT_ROUTE]
  return [
    ...checkNames(file, 'providers', providers, 'a provider of this file'),
    ...checkNames(file, 'routes', routes, 'a route of this file'),
    ...file.stepsAt(['content', 'redact', 'patterns']).flatMap((name): Finding[] => {
      if (/^[a-z][a-z_-]{0,39}$/.test(String(name))) return []
      const expected =
        'expected a name of at most 40 small letters, _ and -, a letter first, which placeholders will show'
      const text = `${expected}, found "${showKey(String(name))}"`
      return [{ path: ['content', 'redact', 'patterns', name], at: 'key', text }]
    }),
  ]
}

function checkNames(file: Loose, key: string, known: readonly string[], what: string): Finding[] {
  return file.stepsAt(['content', key]).flatMap((name): Finding[] => {
    if (known.includes(String(name))) return []
    const path = ['content', key, name]
    return [{ path, at: 'key', text: unknownName(file, path, String(name), known, what) }]
  })
}
