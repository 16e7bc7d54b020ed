import { showKey } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { unknownName } from './match-checks.ts'

/** Aliases and models whose provider is not there. */
export function checkModels(file: Loose): Finding[] {
  const known = file.stepsAt(['providers']).map(String)
  const expected = 'a provider of this file before the slash'
  const aliases = file.stepsAt(['aliases']).flatMap((step): Finding[] => {
    const path = ['aliases', step]
    const meaning = file.at(path)
    if (meaning === step)
      return [{ path, at: 'value', text: `expected another name than the alias has, found the same` }]
    if (typeof meaning !== 'string' || !meaning.includes('/')) return []
    const provider = meaning.slice(0, meaning.indexOf('/'))
    if (known.includes(provider)) return []
    return [{ path, at: 'value', text: unknownName(file, path, provider, known, expected) }]
  })
  const models = file.stepsAt(['models']).flatMap((step): Finding[] => {
    const name = String(step)
    const provider = name.slice(0, Math.max(0, name.indexOf('/')))
    if (provider === '' || known.includes(provider)) return []
    const text = `expected ${expected}, found "${showKey(name)}". Known: ${known.join(', ')}`
    return [{ path: ['models', step], at: 'key', text }]
  })
  return [...aliases, ...models]
}
