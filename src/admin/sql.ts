import type { AdminPorts } from './ports.ts'
import { queryFault, wholeNumber } from './query.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'
import { decodeUtf8 } from './utf8.ts'

const MOST_ROWS = 10_000
const SOME_ROWS = 1_000

/**
 * `POST /admin/query`, the body one reading SQL statement: `{"columns": [{"name", "type"}], "rows": [[…]],
 * "is_cut"}`, rows in the order of the columns, 64-bit integers and decimals as text, `is_cut` when there are more rows
 * than `limit` (1–10000, 1000). 400 `invalid_query` when it may not be run, is wrong, or is too much; the message says
 * why. 415 for a body that is not application/sql, a type that no form of a web page can send.
 */
export function runSql(ports: AdminPorts): Handler {
  return async ({ query, contentType, body, signal }) => {
    const fault = queryFault(query, ['limit'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const limit = wholeNumber(query, 'limit', { min: 1, max: MOST_ROWS, otherwise: SOME_ROWS })
    if (limit.kind === 'bad') return errorReply(400, 'bad_request', limit.message)
    if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/sql') {
      return errorReply(415, 'unsupported_type', 'Expected content-type application/sql with the SQL as the body.')
    }
    const sql = decodeUtf8(body)
    if (sql === undefined) return errorReply(400, 'bad_request', 'The body is not valid UTF-8.')
    const answer = await ports.query(sql, limit.value, signal)
    switch (answer.kind) {
      case 'ok':
        return { status: 200, json: { columns: answer.columns, rows: answer.rows, is_cut: answer.isCut } }
      case 'refused':
        return errorReply(400, 'invalid_query', answer.detail)
      case 'unavailable':
        return errorReply(503, 'store_unavailable', `ClickHouse does not answer: ${answer.detail}`, {
          'retry-after': '5',
        })
    }
  }
}
