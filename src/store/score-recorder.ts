import type { FunnelCount } from '../domain/funnel.ts'
import type { Pair } from '../domain/pair.ts'
import type { JudgeCall, Log, RecordScores } from '../domain/ports.ts'
import type { Score } from '../domain/score.ts'
import { attemptRow } from './attempt-row.ts'
import { funnelRow } from './funnel-row.ts'
import { pairRow } from './pair-row.ts'
import { rowLine } from './row-fields.ts'
import { scoreRow } from './score-row.ts'
import { noRows, type PerTable } from './segments.ts'
import type { Spool, SpoolLine } from './spool.ts'

export type ScoreRecorder = {
  readonly record: RecordScores
  readonly recordFunnel: (counts: readonly FunnelCount[], release: () => void) => void
  /** As of `RowRecorder`. */
  readonly notBuiltRows: () => PerTable
}

/** Scores, pairs and the counts of shadows go the way of all rows: through the spool. */
export function createScoreRecorder(spool: Spool | undefined, instance: string, log: Log): ScoreRecorder {
  const lost = noRows()
  const append = (lines: () => readonly SpoolLine[], lose: () => void, release: () => void): void => {
    if (spool === undefined) return release()
    let made: readonly SpoolLine[]
    try {
      made = lines()
    } catch (error) {
      lose()
      log.error('record_failed', { bug: error })
      return release()
    }
    spool.append(made, release)
  }
  return {
    notBuiltRows: () => lost,
    record: ({ scores = [], pairs = [], judgeCalls = [] }, release) =>
      append(
        () => [
          ...scores.map((score) => scoreLine(score, instance)),
          ...pairs.map((pair) => pairLine(pair, instance)),
          ...judgeCalls.map((call) => callLine(call, instance)),
        ],
        () => {
          lost.scores += scores.length
          lost.pairs += pairs.length
          lost.attempts += judgeCalls.length
        },
        release,
      ),
    recordFunnel: (counts, release) =>
      append(
        () => counts.map((count) => ({ table: 'shadow_funnel', line: rowLine(funnelRow(count, instance)) })),
        () => void (lost.shadow_funnel += counts.length),
        release,
      ),
  }
}

function scoreLine(score: Score, instance: string): SpoolLine {
  return { table: 'scores', line: rowLine(scoreRow(score, instance)) }
}

function pairLine(pair: Pair, instance: string): SpoolLine {
  return { table: 'pairs', line: rowLine(pairRow(pair, instance)) }
}

function callLine(call: JudgeCall, instance: string): SpoolLine {
  const { traceId: id, api, attempt, route, task, policyVersion } = call
  const subject = {
    request: { id, api, isStream: false, controls: { task, team: undefined } },
    decision: { route, arm: 'none' as const, policyVersion },
  }
  return { table: 'attempts', line: attemptRow(subject, attempt, 0, instance) }
}
