/** An answer's text as JSON, or why it is none. */
export type ParsedAnswer =
  | { readonly kind: 'json'; readonly value: unknown }
  /** `isFenced`: it would be JSON without the ``` around it. */
  | { readonly kind: 'not_json'; readonly isFenced: boolean }

export function parseAnswer(text: string): ParsedAnswer {
  const direct = parse(text)
  if (direct.kind === 'json') return direct
  const inner = withoutFence(text.trim())
  return { kind: 'not_json', isFenced: inner !== undefined && parse(inner).kind === 'json' }
}

function parse(text: string): ParsedAnswer {
  try {
    const value: unknown = JSON.parse(text)
    return { kind: 'json', value }
  } catch {
    return { kind: 'not_json', isFenced: false }
  }
}

/** What stands between ```json and ```, where that is all there is. */
function withoutFence(text: string): string | undefined {
  const lineEnd = text.indexOf('\n')
  if (!text.startsWith('```') || !text.endsWith('```') || lineEnd < 0) return undefined
  return text.slice(lineEnd + 1, -3)
}
