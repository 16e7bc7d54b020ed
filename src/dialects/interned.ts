const SLOTS = 512

/** Short texts seen before. Clients send the same few keys and words in every body, and making a string costs 60 ns. */
const seen: string[] = Array.from({ length: SLOTS }, () => '')

/** The text at [start, end), byte for byte (latin1); the same string object as last time, most often. */
export function interned(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  const middle = bytes[start + (length >> 1)] ?? 0
  const slot = (length * 67 + (bytes[start] ?? 0) * 31 + middle * 7 + (bytes[end - 1] ?? 0)) % SLOTS
  const known = seen[slot] ?? ''
  if (known.length === length && isAt(bytes, start, known)) return known
  const text = bytes.toString('latin1', start, end)
  seen[slot] = text
  return text
}

function isAt(bytes: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}
