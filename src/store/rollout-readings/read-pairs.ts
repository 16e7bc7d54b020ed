import type { QualityReading } from '../../domain/rollout/evidence.ts'
import type { PairCounts } from '../../domain/statistics/paired-betting.ts'
import { analysisOver, readAnalysis } from '../analyses/read-analysis.ts'
import type { Columns, RowOf } from '../columns.ts'
import type { Stage } from './stage.ts'

const PAIRS = { task: 'text', d: 'number', pairs: 'number' } as const satisfies Columns

/** Differences in quality, by task. */
export async function readQuality({ ask, calls, scores, isShadow }: Stage): Promise<readonly QualityReading[]> {
  if (isShadow) return pairsByTask(await ask(PAIRS, readAnalysis('shadow-pairs'), { is_control: false }))
  const source = `SELECT call.trace_id AS trace_id, call.received_at AS received_at, score.scored_at AS scored_at,
      call.task AS task, call.unit AS unit, call.arm AS arm, score.value AS value
    FROM (${calls}) AS call INNER JOIN (${scores}) AS score ON score.trace_id = call.trace_id`
  return pairsByTask(await ask(PAIRS, analysisOver('live-pairs', source)))
}

/** d = control's bad − candidate's bad: of 1 − bad each. Slow is harm, but no failure. */
export async function readSuccess({ ask, calls }: Stage): Promise<readonly QualityReading[]> {
  const source = `SELECT trace_id, received_at, received_at AS scored_at, task, unit, arm,
      toNullable(if(empty(arrayFilter(event -> event != 'slow', bad_events)), 1., 0.)) AS value
    FROM (${calls})`
  return pairsByTask(await ask(PAIRS, analysisOver('live-pairs', source), { watermark_ms: 0 }))
}

/** Stable against itself, by whichever shadow of the route. */
export async function readSameWithSame({ ask }: Stage): Promise<PairCounts> {
  const rows = await ask(PAIRS, readAnalysis('shadow-pairs'), { is_control: true })
  return rows.map(({ d, pairs }): PairCounts[number] => [d, pairs])
}

function pairsByTask(rows: readonly RowOf<typeof PAIRS>[]): readonly QualityReading[] {
  const byTask = new Map<string, PairCounts[number][]>()
  for (const { task, d, pairs } of rows) {
    const known = byTask.get(task) ?? []
    known.push([d, pairs])
    byTask.set(task, known)
  }
  return [...byTask].map(([task, pairs]) => ({ task, pairs }))
}
