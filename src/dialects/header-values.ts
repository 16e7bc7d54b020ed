import type { RawHeaders } from '../domain/request.ts'

/** Lower-case names to the first value of each, of those headers whose name begins with one of `prefixes`. */
export function headersBeginning(headers: RawHeaders, prefixes: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]?.toLowerCase() ?? ''
    if (prefixes.some((prefix) => name.startsWith(prefix)) && !found.has(name)) found.set(name, headers[i + 1] ?? '')
  }
  return found
}
