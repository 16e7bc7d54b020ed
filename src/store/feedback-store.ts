import type { JournalEntry } from '../domain/changes/journal-entry.ts'
import type { Readings } from '../domain/feedback/readings.ts'
import type { RequestId } from '../domain/units.ts'
import { identifier, type Read, type Select, type StoreClient } from './client.ts'
import { parseAs } from './columns.ts'
import { type FeedbackWanted, readFeedback } from './feedback-readings.ts'
import { NOT_REACHABLE } from './send-rows.ts'
import { withLease } from './with-lease.ts'

/** What deciding about weights needs of ClickHouse besides its journal. Nothing here rejects on an outage. */
export type FeedbackStore = {
  /** Runs `work` if nobody else decides just now; see `withLease`. */
  readonly asDecider: (
    holder: RequestId,
    work: (signal: AbortSignal) => Promise<void>,
  ) => Promise<Read<'done' | 'busy'>>
  readonly readings: (wanted: FeedbackWanted, signal: AbortSignal) => Promise<Read<Readings>>
  /** The last decision about a route. */
  readonly last: (route: string, signal: AbortSignal) => Promise<Read<LastDecision | undefined>>
}

export type LastDecision = Pick<JournalEntry, 'id' | 'revision' | 'kind' | 'after' | 'details'>

const LEASE = 'feedback'

const LAST = {
  decision_id: 'text',
  revision_number: 'number',
  kind: 'text',
  after: 'text',
  details: 'text',
} as const

/** `client`: the owner, asked anew each time; `select`: as the user who may only read. */
export function openFeedbackStore(
  client: () => StoreClient | undefined,
  select: Select,
  database: string,
): FeedbackStore {
  return {
    asDecider: async (holder, work) => {
      const server = client()
      if (server === undefined) return { kind: 'unavailable', detail: NOT_REACHABLE }
      return withLease(server, { name: LEASE, holder }, work)
    },
    readings: (wanted, signal) => readFeedback(select, database, wanted, signal),
    last: async (route, signal) => {
      // As the owner, who sees on a cluster what has just been decided.
      const server = client()
      if (server === undefined) return { kind: 'unavailable', detail: NOT_REACHABLE }
      const read = await server.select(
        {
          name: 'last_weight_decision',
          sql: `SELECT toString(event_id) AS decision_id, revision AS revision_number, kind, after, details
            FROM ${identifier(database)}.weight_decisions WHERE name = {route:String}
            ORDER BY revision DESC LIMIT 1 SETTINGS output_format_json_quote_64bit_integers = 0`,
          params: { route },
          parse: parseAs(LAST),
        },
        signal,
      )
      if (read.kind === 'unavailable') return read
      const [row] = read.value
      if (row === undefined) return { kind: 'ok', value: undefined }
      const { decision_id: id, revision_number: revision, kind, after, details } = row
      return { kind: 'ok', value: { id, revision, kind, after, details } }
    },
  }
}

/** Where there is no store, nothing can be decided. */
export const NO_FEEDBACK_STORE: FeedbackStore = openFeedbackStore(
  () => undefined,
  async () => ({ kind: 'unavailable', detail: NOT_REACHABLE }),
  '',
)
