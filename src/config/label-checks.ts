import type { Finding, Loose } from './loose.ts'
import { checkRange, unknownName } from './match-checks.ts'
import { TASK_TYPES } from '../domain/routing/route.ts'
import { textsAt } from './match-checks.ts'

/** Rules that label requests: task types that are not there, ranges that hold nothing, rules that say nothing. */
export function checkLabels(file: Loose): Finding[] {
  const known = textsAt(file, ['labels', 'task_types']) ?? TASK_TYPES
  return ['task', 'complexity'].flatMap((kind) =>
    file.stepsAt(['labels', kind]).flatMap((step) => {
      const path = ['labels', kind, step]
      const label = file.at([...path, 'label'])
      const isUnknown = kind === 'task' && typeof label === 'string' && !known.includes(label)
      const text = unknownName(file, [...path, 'label'], String(label), known, 'a task type of labels.task_types')
      return [
        ...(isUnknown ? [{ path: [...path, 'label'], at: 'value' as const, text }] : []),
        ...checkRange(file, [...path, 'when', 'input_tokens']),
        ...checkRange(file, [...path, 'when', 'turn']),
      ]
    }),
  )
}
