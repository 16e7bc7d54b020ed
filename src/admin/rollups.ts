import type { AdminPorts, Json, RebuildStatus } from './ports.ts'
import { queryFault } from './query.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'

/**
 * `GET /admin/rollups`: the rebuild of the rollups that runs or ran last, `{"state": "idle" | "running" | "done" |
 * "failed"}`, with `days` and `rebuilt` (counts of days times tables) while it runs, `days` (a list) when it is done and
 * `detail` when it failed.
 */
export function showRebuild(ports: AdminPorts): Handler {
  return () => ({ status: 200, json: rebuildJson(ports.rebuildStatus()) })
}

/**
 * `POST /admin/rollups`: starts to make the rollups anew out of the rows, for the days (UTC) from `from` to `to`, both
 * included and both optional; 202 with the state as above, 409 `busy` while another rebuild of this process runs.
 */
export function rebuildRollups(ports: AdminPorts): Handler {
  return ({ query }) => {
    const fault = queryFault(query, ['from', 'to'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const [from, to] = [query.get('from') ?? undefined, query.get('to') ?? undefined]
    for (const day of [from, to]) {
      if (day !== undefined && !isDay(day)) {
        return errorReply(400, 'bad_request', `Expected a day such as 2026-11-20, found "${day.slice(0, 40)}".`)
      }
    }
    switch (ports.rebuildRollups({ from, to })) {
      case 'started':
        return { status: 202, json: rebuildJson(ports.rebuildStatus()) }
      case 'busy':
        return errorReply(409, 'busy', 'The rollups are being rebuilt; GET /admin/rollups tells how far it is.')
      case 'unavailable':
        return errorReply(503, 'store_unavailable', 'There is no ClickHouse to rebuild rollups in.', {
          'retry-after': '5',
        })
    }
  }
}

/** Whether a text is a day that exists, as `2026-11-20`. */
export function isDay(text: string): boolean {
  return /^20\d\d-\d\d-\d\d$/.test(text) && new Date(text).toJSON()?.startsWith(text) === true
}

function rebuildJson({ kind, ...facts }: RebuildStatus): Json {
  return { state: kind, ...facts }
}
