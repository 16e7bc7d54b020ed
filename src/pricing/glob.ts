/** A test for names that match `pattern`: exact, or with `*` for any run of characters; case does not matter. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const literals = pattern.split('*').map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const expression = new RegExp(`^${literals.join('.*')}$`, 'is')
  return (name) => expression.test(name)
}
