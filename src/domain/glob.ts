/**
 * A test for texts that match `pattern` as a whole: exact, or with `*` for any run of characters. The texts come from
 * clients, so it takes the first place where each piece fits and never goes back, as a regular expression would.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const [first = '', ...pieces] = pattern.split('*')
  const last = pieces.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
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
