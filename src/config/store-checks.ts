import type { Finding, Loose } from './loose.ts'

const KEYS_OF = {
  embedded: ['port', 'max_memory'],
  url: ['url', 'username', 'password', 'database', 'cluster'],
  none: [],
} as const

/** The kind of store that is meant: as said, else `url` where one is given, else `embedded`. */
export function storeKind<Kind>(kind: Kind | undefined, hasUrl: boolean): Kind | 'url' | 'embedded' {
  return kind ?? (hasUrl ? 'url' : 'embedded')
}

/** Keys that belong to another kind of store than the one meant, and a missing URL. */
export function checkStore(file: Loose): Finding[] {
  const kind = storeKind(file.at(['store', 'kind']), file.isSet(['store', 'url']))
  if (kind !== 'embedded' && kind !== 'url' && kind !== 'none') return []
  const findings: Finding[] = []
  for (const [owner, keys] of Object.entries(KEYS_OF)) {
    for (const key of owner === kind ? [] : keys) {
      if (!file.isSet(['store', key])) continue
      const text = `expected it only where store.kind is ${owner}, found it with ${kind}`
      findings.push({ path: ['store', key], at: 'key', text })
    }
  }
  if (kind === 'url' && !file.isSet(['store', 'url'])) {
    findings.push({ path: ['store', 'url'], at: 'key', text: 'expected the URL of a ClickHouse server, found nothing' })
  }
  return findings
}
