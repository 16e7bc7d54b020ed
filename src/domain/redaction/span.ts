/** Characters [from, to) of a text, in UTF-16 units, that must not be stored; `kind` names the placeholder. */
export type Span = { readonly from: number; readonly to: number; readonly kind: string }

/** Finds what must not be stored. Total, and its time grows with the text alone, whatever the text. */
export type Rule = (text: string) => readonly Span[]

/** What stands where something was taken out: no digit, no @, nothing that a rule would take for more of the same. */
export function placeholder(kind: string): string {
  return `[redacted:${kind}]`
}

/** Of spans that overlap, one that covers them all, by the name of the one that begins first. Sorted. */
export function merged(spans: readonly Span[]): readonly Span[] {
  const out: Span[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    const last = out.at(-1)
    if (last === undefined || span.from >= last.to) out.push(span)
    else if (span.to > last.to) out[out.length - 1] = { ...last, to: span.to }
  }
  return out
}
