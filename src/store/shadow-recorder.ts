import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { Log } from '../domain/ports.ts'
import { attemptRow } from './attempt-row.ts'
import type { Spool } from './spool.ts'

/** Writes the row of a call that was made beside those of `exchange`, whose own rows are written already. Never throws. */
export type RecordCall = (exchange: Exchange, attempt: Attempt) => void

export function createShadowRecorder(spool: Spool | undefined, instance: string, log: Log): RecordCall {
  return (exchange, attempt) => {
    if (spool === undefined) return
    try {
      const line = attemptRow(exchange, attempt, exchange.attempts.length, instance)
      spool.append([{ table: 'attempts', line }], () => undefined)
    } catch (bug) {
      log.error('record_failed', { trace_id: exchange.request.id, bug })
    }
  }
}
