import { asRecord, type JsonRecord, parseJson } from '../../dialects/json-value.ts'

/** A pair of answers that a person has compared. */
export type Label = {
  readonly task: string
  readonly prompt: string
  readonly candidate: string
  readonly stable: string
  /** From the candidate: 1 it is better, 0 tie, −1 it is worse. */
  readonly human: -1 | 0 | 1
}

const HUMAN: ReadonlyMap<unknown, Label['human']> = new Map<unknown, Label['human']>([
  ['candidate', 1],
  ['tie', 0],
  ['stable', -1],
])

/**
 * Reads labels, one JSON object per line: `{"prompt": …, "candidate": …, "stable": …, "human": "candidate" | "stable" |
 * "tie", "task": …}`; task is `unknown` where it is left out, blank lines are passed over. All faults at once, each
 * with its line.
 */
export function readLabels(text: string): {
  readonly labels: readonly Label[]
  readonly faults: readonly string[]
} {
  const labels: Label[] = []
  const faults: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const label = readLabel(asRecord(parseJson(line)))
    if (typeof label === 'string') faults.push(`line ${index + 1}: ${label}`)
    else labels.push(label)
  }
  return { labels, faults }
}

function readLabel(row: JsonRecord | undefined): Label | string {
  if (row === undefined) return 'expected one JSON object'
  const human = HUMAN.get(row['human'])
  if (human === undefined) return 'human: expected "candidate", "stable" or "tie"'
  const { prompt, candidate, stable, task } = row
  if (typeof prompt !== 'string') return 'prompt: expected a text'
  if (typeof candidate !== 'string') return 'candidate: expected a text'
  if (typeof stable !== 'string') return 'stable: expected a text'
  if (task !== undefined && typeof task !== 'string') return 'task: expected a text, or nothing'
  return { task: task ?? 'unknown', prompt, candidate, stable, human }
}
