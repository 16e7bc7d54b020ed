import type { Finding, Loose } from './loose.ts'
import { showKey } from './fault.ts'
import { headerNameFault } from './header.ts'
import { isLoopback, isWildcard, parseListen } from './listen-address.ts'

/** First path segments of the data port that mean something else than a provider's name. */
const RESERVED = new Map([['p', '/p/<provider>/ is the mount of every provider']])
/** A provider of one of these names answers the mount of that dialect. */
const MOUNTS = ['openai', 'anthropic', 'gemini']

/** Dialects, and their names, in which a stream tells its usage unasked. */
const CARRY_USAGE = new Map([
  ['anthropic', 'Anthropic'],
  ['gemini', 'Gemini'],
])

/** Names, mounts, headers and addresses of the providers. */
export function checkProviders(file: Loose): Finding[] {
  const names = file.stepsAt(['providers']).map(String)
  if (names.length === 0 && file.isSet(['providers']) && typeof file.at(['providers']) === 'object') {
    return [{ path: ['providers'], at: 'key', text: 'expected at least one provider, found none' }]
  }
  return names.flatMap((name) => [
    ...checkName(name),
    ...checkDialect(file, name),
    ...checkHeaders(file, name),
    ...checkLoop(file, name),
  ])
}

function checkName(name: string): Finding[] {
  const path = ['providers', name]
  if (!/^[a-z\d]+(-[a-z\d]+)*$/.test(name) || name.length > 32) {
    const expected = 'a name of at most 32 lower-case letters, digits and single dashes, because it is a part of URLs'
    return [{ path, at: 'key', text: `expected ${expected}, found "${showKey(name)}"` }]
  }
  const why = RESERVED.get(name)
  return why === undefined ? [] : [{ path, at: 'key', text: `expected another name, found "${name}": ${why}` }]
}

function checkDialect(file: Loose, name: string): Finding[] {
  const findings: Finding[] = []
  const path = ['providers', name, 'dialect']
  const dialect = file.at(path)
  if (MOUNTS.includes(name) && dialect !== name && MOUNTS.some((mount) => mount === dialect)) {
    const text = `expected ${name}, because clients of that dialect are sent to the provider of this name, found ${file.found(path)}`
    findings.push({ path, at: 'value', text })
  }
  const usage = ['providers', name, 'include_usage']
  const carriesUsage = typeof dialect === 'string' ? CARRY_USAGE.get(dialect) : undefined
  if (carriesUsage !== undefined && file.at(usage) === true) {
    const text = `expected it only where the dialect is openai, found true: ${carriesUsage} streams always carry usage`
    findings.push({ path: usage, at: 'value', text })
  }
  return findings
}

function checkHeaders(file: Loose, name: string): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const header of file.stepsAt(['providers', name, 'headers']).map(String)) {
    const path = ['providers', name, 'headers', header]
    const expected = headerNameFault(header)
    if (expected !== undefined)
      findings.push({ path, at: 'key', text: `expected ${expected}, found "${showKey(header)}"` })
    if (seen.has(header.toLowerCase())) {
      findings.push({ path, at: 'key', text: 'expected every header once, found it again in other letters' })
    }
    seen.add(header.toLowerCase())
  }
  return findings
}

/** A provider that is this proxy would call itself until every slot is taken. */
function checkLoop(file: Loose, name: string): Finding[] {
  const path = ['providers', name, 'base_url']
  const [base, listen] = [file.at(path), file.at(['listen']) ?? '127.0.0.1:8787']
  const url = typeof base === 'string' ? URL.parse(base) : null
  const own = typeof listen === 'string' ? parseListen(listen) : undefined
  if (url === null || own === undefined || Number(url.port) !== own.port || own.port === 0) return []
  const isOwn = isLoopback(url.hostname) && (isLoopback(own.host) || isWildcard(own.host))
  const text = `expected the address of a provider, found ${file.found(path)}, where this proxy itself listens`
  return isOwn ? [{ path, at: 'value', text }] : []
}
