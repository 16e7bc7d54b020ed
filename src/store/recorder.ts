import type { Exchange } from '../domain/exchange.ts'
import type { Log, Recorder } from '../domain/ports.ts'
import { attemptRows } from './attempt-row.ts'
import { createContentLane } from './content-lane.ts'
import { noRows, type PerTable } from './segments.ts'
import type { Spool, SpoolLine } from './spool.ts'
import { traceRow } from './trace-row.ts'

export type RowRecorder = Recorder & {
  /** Rows lost because they could not be made out of their exchange: a bug, and a loss like any other. */
  readonly notBuiltRows: () => PerTable
  /** Makes the rows that were put off until after the answers. */
  readonly flush: () => void
}

/** Rows go to the spool in the turn in which the answer is complete. Without a spool there is nothing to write. */
export function createRecorder(
  spool: Spool | undefined,
  instance: string,
  log: Log,
  hashKey: () => string,
): RowRecorder {
  let notBuilt: PerTable = noRows()
  if (spool === undefined) {
    return { record: (_exchange, release) => release(), notBuiltRows: () => notBuilt, flush: () => undefined }
  }
  const contents = createContentLane({ spool, instance, hashKey, log })
  return {
    notBuiltRows: () => ({ ...notBuilt, contents: contents.lostRows() }),
    flush: contents.flush,
    record: (exchange, release, content) => {
      let lines: readonly SpoolLine[]
      try {
        lines = linesOf(exchange, instance)
      } catch (error) {
        notBuilt = { ...notBuilt, traces: notBuilt.traces + 1, attempts: notBuilt.attempts + exchange.attempts.length }
        log.error('record_failed', { trace_id: exchange.request.id, bug: error })
        return release()
      }
      spool.append(lines, release)
      if (content !== undefined) contents.push(exchange, content)
    },
  }
}

function linesOf(exchange: Exchange, instance: string): readonly SpoolLine[] {
  const attempts = attemptRows(exchange, instance).map((line) => ({ table: 'attempts' as const, line }))
  return [{ table: 'traces', line: traceRow(exchange, instance) }, ...attempts]
}
