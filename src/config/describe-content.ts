import type { ContentMode, ContentPolicy } from '../domain/content.ts'

const MEANING: Readonly<Record<ContentMode, string>> = {
  off: 'not stored',
  hash: 'stored as keyed hashes only',
  truncated: 'stored, their beginning and end',
  full: 'stored in full',
}

/** What is kept of prompts and answers, in a line: for all, then wherever it is another. `days`: how long. */
export function describeContent({ mode, routes, providers, rules, isOn }: ContentPolicy, days: number): string {
  const others = (what: string, modes: ReadonlyMap<string, ContentMode>): readonly string[] =>
    [...modes].map(([name, own]) => `${what} ${name}: ${own}`)
  const exceptions = [...others('route', routes), ...others('provider', providers)].join(', ')
  const rule = `prompts and answers are ${MEANING[mode]}${exceptions === '' ? '' : ` (${exceptions})`}`
  if (!isOn) return rule
  const isRedacted = rules.builtIn.length + rules.patterns.length + rules.paths.length > 0
  return `${rule}, ${isRedacted ? 'redacted' : 'NOT redacted'}, for ${days} days`
}
