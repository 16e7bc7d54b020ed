import type { AuditAnswer, AuditCell } from '../../domain/audit.ts'
import { proportionInterval } from '../../domain/statistics/proportion-interval.ts'
import type { PicoUsd } from '../../domain/units.ts'

/**
 * How right each path is about each task, routes first, in order of their names. Whoever gave no answer was not right.
 * `minimumOf`: least acceptable mean of a task.
 */
export function auditCells(
  answers: readonly AuditAnswer[],
  minimumOf: (task: string) => number | undefined,
): readonly AuditCell[] {
  const groups = Map.groupBy(answers, ({ kind, path, task }) => JSON.stringify([kind === 'route' ? 0 : 1, path, task]))
  return [...groups]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, group]) => cellOf(group, minimumOf))
}

function cellOf(group: readonly AuditAnswer[], minimumOf: (task: string) => number | undefined): readonly AuditCell[] {
  const [first] = group
  if (first === undefined) return []
  const sum = group.reduce((total, { value }) => total + (value ?? 0), 0)
  const answered = group.filter(({ value }) => value !== undefined).length
  const mean = sum / group.length
  const minimum = minimumOf(first.task)
  return [
    {
      kind: first.kind,
      path: first.path,
      task: first.task,
      answered,
      failed: group.length - answered,
      mean,
      ...proportionInterval(sum, group.length),
      minimum,
      isPassed: minimum === undefined ? undefined : mean >= minimum,
      picoUsd: group.reduce<PicoUsd | undefined>(
        (cost, { picoUsd }) => (cost === undefined || picoUsd === undefined ? undefined : cost + picoUsd),
        0n,
      ),
    },
  ]
}
