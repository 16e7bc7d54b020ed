import type { DecisionRecord } from '../domain/rollout/decision-record.ts'
import type { Readings } from '../domain/rollout/evidence.ts'
import { identifier, type Read, type Select, type StoreClient } from './client.ts'
import { type Columns, parseAs, type RowOf } from './columns.ts'
import { giveBack, type Lease, takeLease } from './lease.ts'
import { namedRows } from './named-rows.ts'
import { readRolloutReadings, type ReadingsWanted } from './rollout-readings/read-rollout-readings.ts'
import { type RouteTraffic, routeTrafficQuery } from './route-traffic.ts'
import { ROLLOUT_DECISION_COLUMNS, rolloutDecisionRow } from './rollout-decision-row.ts'
import { NOT_REACHABLE, openSendRows, PATIENCE_MS, type Sent } from './send-rows.ts'

/** What deciding about rollouts needs of ClickHouse. Nothing here rejects on an outage. */
export type RolloutStore = {
  /** Takes the right to decide, or holds on to it, for `leaseMs` from when this was called. */
  readonly holdLease: (holder: string, leaseMs: number) => Promise<'held' | 'taken' | 'unavailable'>
  readonly giveBackLease: () => Promise<void>
  readonly readings: (wanted: ReadingsWanted, signal: AbortSignal) => Promise<Read<Readings>>
  /** The same record may be sent again. */
  readonly record: (decision: DecisionRecord) => Promise<Sent>
  /** Newest first. */
  readonly decisions: (rollout: string, limit: number, signal: AbortSignal) => Promise<Read<readonly StoredDecision[]>>
  /** Newest first. */
  readonly events: (rollout: string, limit: number, signal: AbortSignal) => Promise<Read<readonly StoredRolloutEvent[]>>
  readonly traffic: (route: string, days: number, signal: AbortSignal) => Promise<Read<RouteTraffic | undefined>>
}

const STORED_DECISION = {
  decision_id: 'text',
  at: 'text',
  instance: 'text',
  policy_version: 'text',
  revision: 'number',
  epoch: 'number',
  stage: 'text',
  rule: 'text',
  action: 'text',
  because: 'texts',
  is_alert: 'flag',
  checks: 'rows',
  inputs: 'text',
  result: 'text',
} as const satisfies Columns

export type StoredDecision = RowOf<typeof STORED_DECISION>

const STORED_EVENT = {
  revision: 'number',
  event_id: 'text',
  at: 'text',
  instance: 'text',
  actor: 'text',
  reason: 'text',
  policy_version: 'text',
  kind: 'text',
  before: 'text',
  after: 'text',
  details: 'text',
} as const satisfies Columns

export type StoredRolloutEvent = RowOf<typeof STORED_EVENT>

const LEASE = 'rollouts'
const FORMAT = "SETTINGS date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 0"

/** `client`: the owner, asked anew each time; `select`: as the user who may only read. */
export function openRolloutStore(
  client: () => StoreClient | undefined,
  select: Select,
  database: string,
): RolloutStore {
  const send = openSendRows(client)
  let held: Lease | undefined
  return {
    holdLease: async (holder, leaseMs) => {
      const server = client()
      if (server === undefined) return 'unavailable'
      try {
        held = await takeLease(server, LEASE, holder, leaseMs, AbortSignal.timeout(PATIENCE_MS))
        return held === undefined ? 'taken' : 'held'
      } catch {
        return 'unavailable' // the store's own watch says why
      }
    },
    giveBackLease: async () => {
      const [server, lease] = [client(), held]
      held = undefined
      if (server === undefined || lease === undefined) return
      await giveBack(server, lease, AbortSignal.timeout(PATIENCE_MS)).catch(() => undefined) // it expires by itself
    },
    readings: (wanted, signal) => readRolloutReadings(select, database, wanted, signal),
    record: (decision) =>
      send(
        'rollout_decisions',
        namedRows(ROLLOUT_DECISION_COLUMNS, rolloutDecisionRow(decision)),
        `decision/${decision.id}`,
      ),
    decisions: (rollout, limit, signal) =>
      select(
        {
          name: 'rollout_decisions',
          sql: `SELECT ${columnsOf(STORED_DECISION)} FROM ${identifier(database)}.rollout_decisions
            WHERE rollout = {rollout:String} ORDER BY rollout_decisions.at DESC, decision_id DESC LIMIT {limit:UInt32} ${FORMAT}`,
          params: { rollout, limit },
          parse: parseAs(STORED_DECISION),
        },
        signal,
      ),
    events: (rollout, limit, signal) =>
      select(
        {
          name: 'rollout_events',
          sql: `SELECT ${columnsOf(STORED_EVENT)} FROM ${identifier(database)}.rollout_events
            WHERE name = {rollout:String} ORDER BY revision DESC LIMIT {limit:UInt32} ${FORMAT}`,
          params: { rollout, limit },
          parse: parseAs(STORED_EVENT),
        },
        signal,
      ),
    traffic: async (route, days, signal) => {
      const read = await select(routeTrafficQuery(database, route, days), signal)
      return read.kind === 'ok' ? { kind: 'ok', value: read.value[0] } : read
    },
  }
}

/** Where there is no store, nothing can be decided. */
export const NO_ROLLOUT_STORE: RolloutStore = openRolloutStore(
  () => undefined,
  async () => ({ kind: 'unavailable', detail: NOT_REACHABLE }),
  '',
)

function columnsOf(columns: Readonly<Record<string, unknown>>): string {
  return Object.keys(columns).map(identifier).join(', ')
}
