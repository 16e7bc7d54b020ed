/** A text as whoever reads it again will see it, and where each of its characters came from. */
export type Unescaped = {
  readonly text: string
  /** The place in the original of a place in `text`; its end for `text.length`. */
  readonly originOf: (place: number) => number
}

const ESCAPE = /\\u([0-9a-fA-F]{4})|\\(["\\/bfnrt])|%([0-9a-fA-F]{2})/g
const NAMED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * `text` with the escapes of JSON and of addresses undone (`\u0040` and `%40` are an @), since a secret in JSON within
 * a text is as much a secret. Undefined where there are none.
 */
export function unescaped(text: string): Unescaped | undefined {
  if (!text.includes('\\') && !text.includes('%')) return undefined
  const pieces: string[] = []
  // Where pieces begin, in the result and in the original; between two beginnings the places run alike.
  const results: number[] = [0]
  const origins: number[] = [0]
  let length = 0
  let end = 0
  for (const match of text.matchAll(ESCAPE)) {
    const before = text.slice(end, match.index)
    const code = match[1] ?? match[3]
    const character =
      code === undefined ? (NAMED[match[2] ?? ''] ?? match[2] ?? '') : String.fromCharCode(Number.parseInt(code, 16))
    pieces.push(before, character)
    length += before.length
    results.push(length)
    origins.push(match.index)
    length += 1
    end = match.index + match[0].length
    results.push(length)
    origins.push(end)
  }
  if (end === 0) return undefined
  pieces.push(text.slice(end))
  return { text: pieces.join(''), originOf: (place) => originAt(place, results, origins) }
}

function originAt(place: number, results: readonly number[], origins: readonly number[]): number {
  let low = 0
  let high = results.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((results[middle] ?? 0) <= place) low = middle
    else high = middle - 1
  }
  return (origins[low] ?? 0) + (place - (results[low] ?? 0))
}
