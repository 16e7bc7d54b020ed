import { TRACE_COLUMNS } from './ports.ts'
import type { AdminPorts, StoreAnswer } from './ports.ts'
import { queryFault, wholeNumber } from './query.ts'
import { errorReply } from './reply.ts'
import type { Handler, Reply } from './reply.ts'

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i
const WEEK_MINUTES = 7 * 24 * 60
const LONGEST_VALUE = 256

/**
 * `GET /admin/traces`: the newest traces first, `{"traces": [rows of table traces]}`. Parameters: `limit` (1–1000,
 * 50), `minutes` to look back (1–10080, 60), `status`, and any of `TRACE_COLUMNS` = the value to equal.
 */
export function listTraces(ports: AdminPorts): Handler {
  return async ({ query, signal }) => {
    const fault = queryFault(query, ['limit', 'minutes', 'status', ...TRACE_COLUMNS])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const limit = wholeNumber(query, 'limit', { min: 1, max: 1000, otherwise: 50 })
    if (limit.kind === 'bad') return errorReply(400, 'bad_request', limit.message)
    const minutes = wholeNumber(query, 'minutes', { min: 1, max: WEEK_MINUTES, otherwise: 60 })
    if (minutes.kind === 'bad') return errorReply(400, 'bad_request', minutes.message)
    const status = wholeNumber(query, 'status', { min: 0, max: 999, otherwise: -1 })
    if (status.kind === 'bad') return errorReply(400, 'bad_request', status.message)
    const equals = Object.fromEntries(
      TRACE_COLUMNS.flatMap((column) => {
        const value = query.get(column)
        return value === null ? [] : [[column, value.slice(0, LONGEST_VALUE)]]
      }),
    )
    const filter = {
      limit: limit.value,
      minutes: minutes.value,
      equals,
      status: status.value === -1 ? undefined : status.value,
    }
    const traces = await ports.recentTraces(filter, signal)
    return fromStore(traces, (rows) => ({ status: 200, json: { traces: rows } }))
  }
}

/** `GET /admin/traces/:id`: `{"trace": row of traces, "attempts": [rows of attempts, in order], "content": row of contents or null}`; 404 when there is none. */
export function showTrace(ports: AdminPorts): Handler {
  return async ({ id, signal }) => {
    if (!UUID.test(id)) {
      return errorReply(400, 'bad_request', 'A trace id is a UUID, as in the header x-understudy-trace-id.')
    }
    return fromStore(await ports.trace(id.toLowerCase(), signal), (rows) =>
      rows === undefined
        ? errorReply(
            404,
            'not_found',
            'No trace has this id. It may be about a second from being stored, or past its retention.',
          )
        : { status: 200, json: { trace: rows.trace, attempts: rows.attempts, content: rows.content ?? null } },
    )
  }
}

/** `GET /admin/summary`: totals of the last `minutes` (1–10080, 60), `{"minutes", "rows": [rows of the store's query]}`. */
export function summarise(ports: AdminPorts): Handler {
  return async ({ query, signal }) => {
    const fault = queryFault(query, ['minutes'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const minutes = wholeNumber(query, 'minutes', { min: 1, max: WEEK_MINUTES, otherwise: 60 })
    if (minutes.kind === 'bad') return errorReply(400, 'bad_request', minutes.message)
    return fromStore(await ports.summary(minutes.value, signal), (rows) => ({
      status: 200,
      json: { minutes: minutes.value, rows },
    }))
  }
}

/** The rows that the store gave, or that it gives none just now. */
export function fromStore<T>(answer: StoreAnswer<T>, reply: (value: T) => Reply): Reply {
  if (answer.kind === 'ok') return reply(answer.value)
  return errorReply(503, 'store_unavailable', `ClickHouse does not answer: ${answer.detail}`, { 'retry-after': '5' })
}
