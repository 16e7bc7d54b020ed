/** Names come from clients and providers. The longest real ones have about 150 characters. */
const LONGEST_CHARS = 200

/**
 * `text` as a span may carry it: cut where it is longer than any honest name, and without half characters. They have
 * no UTF-8, and a collector throws away the whole batch that one of them is in.
 */
export function clip(text: string): string {
  return (text.length <= LONGEST_CHARS ? text : text.slice(0, LONGEST_CHARS)).toWellFormed()
}
