import type { AdminPorts, EraseRequest, EraseStatus, Json } from './ports.ts'
import { isDay } from './rollups.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'
import { decodeUtf8 } from './utf8.ts'

const LONGEST_USER = 4_096

/**
 * `GET /admin/erasure`: the erasure that runs or ran last, `{"erasure": {"state": "idle" | "running" | "done" |
 * "failed", "tables": [{"table", "rows", "action"}]}}`, with `is_dry_run` when done and `detail` when it failed. Never whom.
 */
export function showErasure(ports: AdminPorts): Handler {
  return () => ({ status: 200, json: statusJson(ports.eraseStatus()) })
}

/**
 * `POST /admin/erasure`, the body `{"user", "before", "dry_run"}`: deletes or anonymises all rows of a user (the value of
 * x-understudy-user, or the dialect's own end user) received before a time (ISO 8601; now). 202 with the state as
 * above, 409 `busy` while another erasure of this process runs.
 */
export function eraseUser(ports: AdminPorts): Handler {
  return ({ contentType, body, actor }) => {
    if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
      return errorReply(415, 'unsupported_type', 'Expected content-type application/json.')
    }
    const asked = parseRequest(decodeUtf8(body) ?? '')
    if (typeof asked === 'string') return errorReply(400, 'bad_request', asked)
    switch (ports.eraseUser(asked, actor)) {
      case 'started':
        return { status: 202, json: statusJson(ports.eraseStatus()) }
      case 'busy':
        return errorReply(409, 'busy', 'Somebody is being erased; GET /admin/erasure tells how far it is.')
      case 'unavailable':
        return errorReply(503, 'store_unavailable', 'There is no ClickHouse to erase anything in.', {
          'retry-after': '5',
        })
    }
  }
}

/** What a text asks for, or what is wrong with it. */
function parseRequest(text: string): EraseRequest | string {
  const expected = 'Expected {"user": "…", "before": "2026-11-20T12:00:00Z", "dry_run": false}'
  const value = parse(text)
  if (typeof value !== 'object' || value === null) return `${expected}, found no JSON object.`
  const fields = new Map<string, unknown>(Object.entries(value))
  const [unknown] = [...fields.keys()].filter((name) => !['user', 'before', 'dry_run'].includes(name))
  if (unknown !== undefined) return `${expected}, found another field.`
  const [user, before, isDryRun = false] = [fields.get('user'), fields.get('before'), fields.get('dry_run')]
  if (typeof user !== 'string' || user === '' || user.length > LONGEST_USER) {
    return `${expected}, found a user that is no text of 1 to ${LONGEST_USER} characters.`
  }
  if (typeof isDryRun !== 'boolean') return `${expected}, found a dry_run that is neither true nor false.`
  if (before === undefined) return { user, before: undefined, isDryRun }
  const at = typeof before === 'string' ? timeOf(before) : undefined
  return at === undefined ? `${expected}, found a before that is no time.` : { user, before: at, isDryRun }
}

/** Milliseconds of a day (`2026-11-20`, its beginning in UTC) or a time of ISO 8601 with its zone. */
export function timeOf(text: string): number | undefined {
  if (!/^20\d\d-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined
  if (!isDay(text.slice(0, 10))) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function statusJson(status: EraseStatus): Json {
  const { kind, tables } = status
  const erasure = { state: kind, tables }
  if (kind === 'done') return { erasure: { ...erasure, is_dry_run: status.isDryRun } }
  return { erasure: kind === 'failed' ? { ...erasure, detail: status.detail } : erasure }
}
