/** What may stand in a status line: tab, visible characters, and bytes beyond ASCII (RFC 9112 §4). */
const NOT_IN_A_STATUS_LINE = /[^\t\x20-\x7e\x80-\xff]/g

/**
 * The upstream's reason phrase as it can be sent on. HTTP parsers let control characters in that HTTP writers throw
 * at, so those go. `wire` says in which charset the parser read it; bytes beyond ASCII come out as they were.
 */
export function reasonPhrase(text: string, wire: 'utf8' | 'latin1'): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const bytes = wire === 'latin1' ? text : Buffer.from(text).toString('latin1')
  return bytes.replace(NOT_IN_A_STATUS_LINE, '')
}
