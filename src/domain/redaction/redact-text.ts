import { merged, placeholder } from './span.ts'
import type { Rule, Span } from './span.ts'
import { unescaped } from './unescaped.ts'

/** How often something was taken out, by kind. */
export type Counts = Map<string, number>

/** Taking something out may lay bare the edge of something else; what is written to hide more rounds is taken as it is. */
const MAX_ROUNDS = 4

/** `text` with everything that a rule finds replaced by placeholders; `counts` is added to. */
export function redactText(text: string, rules: readonly Rule[], counts: Counts): string {
  let current = text
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const spans = findAll(current, rules)
    if (spans.length === 0) return current
    current = replaced(current, spans, counts)
  }
  return current
}

function findAll(text: string, rules: readonly Rule[]): readonly Span[] {
  const spans = rules.flatMap((rule) => rule(text))
  const plain = unescaped(text)
  if (plain !== undefined) {
    for (const rule of rules) {
      for (const { from, to, kind } of rule(plain.text)) {
        spans.push({ from: plain.originOf(from), to: plain.originOf(to), kind })
      }
    }
  }
  return merged(spans)
}

function replaced(text: string, spans: readonly Span[], counts: Counts): string {
  const pieces: string[] = []
  let end = 0
  for (const { from, to, kind } of spans) {
    pieces.push(text.slice(end, from), placeholder(kind))
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    end = to
  }
  return [...pieces, text.slice(end)].join('')
}
