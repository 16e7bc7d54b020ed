import type { Loose } from './loose.ts'

/** Whether this file means the proxy to have a key for `provider`, or one that asks for none. */
export function hasServerKey(file: Loose, provider: string): boolean {
  const key = ['providers', provider, 'api_key']
  // Empty for want of a variable is another matter: the same file serves where the key is, and its absence is said there.
  return file.at(key) !== undefined || file.isSet(key) || file.at(['providers', provider, 'auth']) === 'none'
}
