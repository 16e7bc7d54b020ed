/**
 * A test for names that match `pattern`: exact, or with `*` for any run of characters; case does not matter. Names come
 * from clients, so it takes the first place where each piece fits and never goes back, as a regular expression would.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const [first = '', ...pieces] = pattern.toLowerCase().split('*')
  const last = pieces.pop()
  if (last === undefined) return (name) => name.toLowerCase() === first
  return (name) => {
    const text = name.toLowerCase()
    const end = text.length - last.length
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    let at = first.length
    for (const piece of pieces) {
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= end
  }
}
