import { globMatcher as exactGlobMatcher } from '../domain/glob.ts'

/** A test for names that match `pattern`: exact, or with `*` for any run of characters; case does not matter. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const matches = exactGlobMatcher(pattern.toLowerCase())
  return (name) => matches(name.toLowerCase())
}
