/** Names come from clients and providers. The longest real ones have about 150 characters. */
const LONGEST_CHARS = 200

/** `text`, cut where it is longer than any honest name; what a cut splits is not left behind as half a character. */
export function clip(text: string): string {
  return text.length <= LONGEST_CHARS ? text : text.slice(0, LONGEST_CHARS).toWellFormed()
}
