import type { Answered } from './closed-loop.ts'
import type { Query } from './proxy-process.ts'

export type StoredTrace = {
  readonly trace_id: string
  readonly outcome: string
  readonly status: number
  readonly attempts: number
}
export type Count = { readonly trace_id: string; readonly rows: number }

/** What is wrong with the rows of a store, given what its clients got. Everything empty = nothing lost, nothing twice. */
export type Difference = {
  /** Answered to the last byte, and no row. */
  readonly lost: readonly string[]
  /** More than one row of table traces. */
  readonly twice: readonly string[]
  /** A row whose outcome, status or number of attempts is not what the client got. */
  readonly wrong: readonly string[]
  /** Answered, and not exactly its attempts in table attempts. */
  readonly wrongAttempts: readonly string[]
  /** More than one row of the same attempt. */
  readonly attemptsTwice: readonly string[]
}

export const NO_DIFFERENCE: Difference = { lost: [], twice: [], wrong: [], wrongAttempts: [], attemptsTwice: [] }

/** Compares the tables with a ledger, row by row; also the number of traces that nobody got whole. */
export async function compareLedger(
  rows: Query,
  ledger: ReadonlyMap<string, Answered>,
): Promise<{ readonly difference: Difference; readonly others: readonly string[]; readonly traces: number }> {
  const traces = await rows<StoredTrace>('SELECT toString(trace_id) AS trace_id, outcome, status, attempts FROM traces')
  const attempts = await rows<Count>(
    'SELECT toString(trace_id) AS trace_id, count() AS rows FROM attempts GROUP BY trace_id',
  )
  const attemptsTwice = await rows<{ readonly id: string }>(
    'SELECT toString(attempt_id) AS id FROM attempts GROUP BY attempt_id HAVING count() > 1',
  )
  const byId = new Map(traces.map((trace) => [trace.trace_id, trace]))
  const attemptRows = new Map(attempts.map((count) => [count.trace_id, count.rows]))
  const seen = new Set<string>()
  const twice = traces.map(({ trace_id }) => trace_id).filter((id) => seen.has(id) || !seen.add(id))
  const lost: string[] = []
  const wrong: string[] = []
  const wrongAttempts: string[] = []
  for (const [id, { call, status }] of ledger) {
    const trace = byId.get(id)
    const expected = call.attempts ?? trace?.attempts
    if (trace === undefined) lost.push(`${call.name} ${id}`)
    else if (trace.outcome !== call.outcome || trace.status !== status || trace.attempts !== expected) {
      wrong.push(`${call.name} ${id}: ${trace.outcome} ${trace.status}, ${trace.attempts} attempts`)
    }
    if ((attemptRows.get(id) ?? 0) !== expected) wrongAttempts.push(`${call.name} ${id}: ${attemptRows.get(id) ?? 0}`)
  }
  return {
    difference: { lost, twice, wrong, wrongAttempts, attemptsTwice: attemptsTwice.map(({ id }) => id) },
    others: traces.map(({ trace_id }) => trace_id).filter((id) => !ledger.has(id)),
    traces: traces.length,
  }
}
