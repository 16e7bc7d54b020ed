import { API_PATH_EXPECTED, isApiPath } from './api-path.ts'
import { showKey } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { isMapping } from './mapping.ts'

/** What a kind says, and what the file says beside it, that cannot both be. */
export function checkKinds(file: Loose): Finding[] {
  return file
    .stepsAt(['providers'])
    .map(String)
    .flatMap((name) => [...checkAuth(file, name), ...checkUsage(file, name), ...checkPaths(file, name)])
}

/** A key that would never be sent is a slip of the pen. */
function checkAuth(file: Loose, name: string): Finding[] {
  const key = ['providers', name, 'api_key']
  if (file.at(['providers', name, 'auth']) !== 'none' || !file.isSet(key)) return []
  const text = `expected no key, or an auth that says how it goes up, such as bearer, found auth ${file.found(['providers', name, 'auth'])}`
  return [{ path: key, at: 'key', text }]
}

function checkUsage(file: Loose, name: string): Finding[] {
  const path = ['providers', name, 'include_usage']
  const refuses = file.at(['providers', name, 'refuses'])
  if (file.at(path) !== true || !Array.isArray(refuses) || !refuses.includes('stream_options')) return []
  const text = `expected false, or refuses without stream_options, which it adds to requests, found ${file.found(path)}`
  return [{ path, at: 'value', text }]
}

function checkPaths(file: Loose, name: string): Finding[] {
  const path = ['providers', name, 'paths']
  const paths = file.at(path)
  if (!isMapping(paths)) return []
  if (file.at(['providers', name, 'dialect']) !== 'openai') {
    const text = `expected it only where the dialect is openai, found ${file.found(['providers', name, 'dialect'])}`
    return [{ path, at: 'key', text }]
  }
  const findings = Object.entries(paths).flatMap(([client, upstream]): Finding[] => {
    const at = [...path, client]
    if (!isApiPath(client)) {
      return [{ path: at, at: 'key', text: `expected ${API_PATH_EXPECTED}, found "${showKey(client)}"` }]
    }
    if (typeof upstream !== 'string' || !isApiPath(upstream)) return [] // the schema says so
    if (client.endsWith('*') !== upstream.endsWith('*')) {
      const text = `expected '*' on both sides or on neither: what stands for it is kept, found ${file.found(at)}`
      return [{ path: at, at: 'value', text }]
    }
    return []
  })
  return [...findings, ...checkOverlap(file, name, Object.values(paths))]
}

/** `https://….azure.com/openai` pasted where the paths begin with /openai: it would go up twice. */
function checkOverlap(file: Loose, name: string, upstreams: readonly unknown[]): Finding[] {
  const path = ['providers', name, 'base_url']
  const base = file.at(path)
  const end = typeof base === 'string' ? (URL.parse(base)?.pathname.replace(/\/+$/, '') ?? '') : ''
  if (end === '' || !upstreams.some((upstream) => `${String(upstream)}/`.startsWith(`${end}/`))) return []
  const text = `expected a URL without ${end} at the end, because paths supply it, found ${file.found(path)}`
  return [{ path, at: 'value', text }]
}
