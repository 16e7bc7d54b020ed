import { percentOf } from './amount-leaves.ts'
import { parseDurationMs } from './duration.ts'
import type { Path } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { checkTaskKeys, checkTasks } from './match-checks.ts'

/** Chances, margins and times with which nothing could be shown, or everything, and the tasks that have their own. */
export function checkRolloutLimits(file: Loose, name: string): Finding[] {
  return [...checkLimits(file, name), ...checkStaleness(file, name), ...checkTaskNames(file, name)]
}

function checkLimits(file: Loose, name: string): Finding[] {
  const own = ['rollouts', name]
  const between = (path: Path, most: number, why: string): Finding[] => {
    const percent = percentOf(file.at(path))
    if (percent === undefined || (percent > 0 && percent <= most)) return []
    return [
      { path, at: 'value', text: `expected more than 0% and at most ${most}%, found ${file.found(path)}: ${why}` },
    ]
  }
  const chance = (key: string): Finding[] =>
    between([...own, key], 20, 'it is the chance of being wrong, and with none nothing is ever shown')
  const margin = (path: Path): Finding[] =>
    between(path, 50, 'without a margin no number of answers shows that one model is as good as another')
  return [
    ...chance('alpha_promote'),
    ...chance('alpha_rollback'),
    ...gatesOf(file, name).flatMap((gate) => [
      ...margin([...gate, 'quality_margin']),
      ...margin([...gate, 'success_margin']),
      ...file
        .stepsAt([...gate, 'quality_margin_by_task'])
        .flatMap((task) => margin([...gate, 'quality_margin_by_task', task])),
    ]),
    ...between([...own, 'scored'], 100, 'without scores nothing is known of quality'),
    ...between([...own, 'shadow', 'sample'], 100, 'a shadow that mirrors nothing is `shadow: false`'),
  ]
}

/** Rows come ten seconds late, and on a busy route reading them takes half a minute: sooner nothing could ever be decided. */
const LEAST_STALE_AFTER_MS = 60_000

function checkStaleness(file: Loose, name: string): Finding[] {
  const path = ['rollouts', name, 'stale_after']
  const after = file.at(path)
  const afterMs = typeof after === 'string' ? parseDurationMs(after) : undefined
  if (afterMs === undefined || afterMs < 1 || afterMs >= LEAST_STALE_AFTER_MS) return []
  const text = `expected at least 1m, found ${file.found(path)}: evidence is read half a minute late, and would always be too old`
  return [{ path, at: 'value', text }]
}

function checkTaskNames(file: Loose, name: string): Finding[] {
  return [
    ...checkTasks(file, ['rollouts', name, 'tasks_apart']),
    ...gatesOf(file, name).flatMap((gate) => checkTaskKeys(file, [...gate, 'quality_margin_by_task'])),
  ]
}

/** Where the file says what must be shown. */
function gatesOf(file: Loose, name: string): readonly Path[] {
  const own = ['rollouts', name]
  return [[...own, 'shadow'], ...file.stepsAt([...own, 'steps']).map((step) => [...own, 'steps', step])]
}
