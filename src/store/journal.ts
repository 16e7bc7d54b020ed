import { JOURNAL_TABLES, type JournalEntry, type JournalTable } from '../domain/changes/journal-entry.ts'
import type { EpochMs } from '../domain/units.ts'
import { identifier, type Read, type Select, type StoreClient } from './client.ts'
import { parseAs, type RowOf } from './columns.ts'
import { namedRows } from './named-rows.ts'
import { type FieldsOf, timeField } from './row-fields.ts'
import { NOT_REACHABLE, openSendRows, PATIENCE_MS, type Sent } from './send-rows.ts'

/** An entry and the table it is of. */
export type JournalRow = JournalEntry & { readonly table: JournalTable }

/** The last revision that is known of each name, by table; a name that is not there is read from its start, a table not at all. */
export type JournalPosition = Readonly<Partial<Record<JournalTable, Readonly<Record<string, number>>>>>

/** A policy as it came into force on one instance. */
export type AppliedPolicy = {
  readonly version: string
  readonly appliedAt: EpochMs
  readonly instance: string
  /** Names of the environment variables that it was read with. */
  readonly variables: readonly string[]
  readonly text: string
}

/** What was decided, in ClickHouse. Nothing here throws: an outage is an answer. */
export type Journal = {
  /**
   * Offers `entry` for its revision of its name. `sent` says only that the server has seen it: of several for one revision
   * it keeps the first, and `since` tells which that is. The same entry may be sent again at any time.
   */
  readonly append: (table: JournalTable, entry: JournalEntry) => Promise<Sent>
  /**
   * All entries of the tables of `position` from there on, in one query, in order. The last one known is among them, as a
   * sign that the journal is still the one it is of.
   */
  readonly since: (position: JournalPosition) => Promise<Read<readonly JournalRow[]>>
  readonly recordPolicy: (policy: AppliedPolicy) => Promise<Sent>
  /** When the policy of `version` first came into force anywhere; undefined where nobody has said so. */
  readonly policySeenAt: (version: string) => Promise<Read<EpochMs | undefined>>
}

const ENTRY_COLUMNS = [
  'name',
  'revision',
  'event_id',
  'at',
  'instance',
  'actor',
  'reason',
  'policy_version',
  'kind',
  'subject',
  'before',
  'after',
  'details',
] as const

const STORED_ENTRY = {
  journal: 'text',
  name: 'text',
  revision_number: 'number',
  event_id: 'text',
  at_ms: 'number',
  instance: 'text',
  actor: 'text',
  reason: 'text',
  policy_version: 'text',
  kind: 'text',
  subject: 'text',
  before: 'text',
  after: 'text',
  details: 'text',
} as const

/** The journal behind `client`, which is asked anew each time and undefined while there is no server. */
export function openJournal(client: () => StoreClient | undefined): Journal {
  const insert = openSendRows(client)
  // As the owner, who sees on a cluster what has just been decided.
  const select: Select = async (query) =>
    (await client()?.select(query, AbortSignal.timeout(PATIENCE_MS))) ?? { kind: 'unavailable', detail: NOT_REACHABLE }
  const tableOf = (table: string): string => `${identifier(client()?.address.database ?? '')}.${identifier(table)}`

  return {
    append: (table, entry) =>
      insert(table, namedRows(ENTRY_COLUMNS, fieldsOf(entry)), `${entry.name}/${entry.revision}`),
    since: async (position) => {
      const tables = JOURNAL_TABLES.filter((table) => position[table] !== undefined)
      if (tables.length === 0) return { kind: 'ok', value: [] }
      const read = await select({
        name: 'journal',
        sql: `SELECT * FROM (${tables.map((table) => sinceSql(table, tableOf(table))).join(' UNION ALL ')})
          ORDER BY journal, name, revision_number SETTINGS output_format_json_quote_64bit_integers = 0`,
        params: Object.fromEntries(tables.map((table) => [table, position[table] ?? {}])),
        parse: parseAs(STORED_ENTRY),
      })
      return read.kind === 'ok' ? { kind: 'ok', value: read.value.flatMap(rowOf) } : read
    },
    recordPolicy: ({ version, appliedAt, instance, variables, text }) =>
      insert(
        'policy_versions',
        namedRows(
          ['version', 'applied_at', 'instance', 'variables', 'text'],
          [version, timeField(appliedAt), instance, variables, text],
        ),
        `${version}/${instance}/${timeField(appliedAt)}`,
      ),
    policySeenAt: async (version) => {
      const read = await select({
        name: 'policy_seen',
        sql: `SELECT toUnixTimestamp64Milli(min(applied_at)) AS at_ms, count() AS n FROM ${tableOf('policy_versions')}
          WHERE version = {version:String} SETTINGS output_format_json_quote_64bit_integers = 0`,
        params: { version },
        parse: parseAs({ at_ms: 'number', n: 'number' }),
      })
      if (read.kind !== 'ok') return read
      const [row] = read.value
      return { kind: 'ok', value: row === undefined || row.n === 0 ? undefined : row.at_ms }
    },
  }
}

function fieldsOf(entry: JournalEntry): FieldsOf<typeof ENTRY_COLUMNS> {
  return [
    entry.name,
    String(entry.revision),
    entry.id,
    timeField(entry.at),
    entry.instance,
    entry.actor,
    entry.reason,
    entry.policyVersion,
    entry.kind,
    entry.subject,
    entry.before,
    entry.after,
    entry.details,
  ]
}

/** A name that is not in the map reads 0, so a new one is read from its start. */
function sinceSql(table: JournalTable, quoted: string): string {
  return `SELECT '${table}' AS journal, name, revision AS revision_number, toString(event_id) AS event_id,
    toUnixTimestamp64Milli(at) AS at_ms, instance, actor, reason, policy_version, kind, subject, before, after, details
    FROM ${quoted} WHERE revision >= {${table}:Map(String, UInt64)}[name]`
}

function rowOf(row: RowOf<typeof STORED_ENTRY>): readonly JournalRow[] {
  const table = JOURNAL_TABLES.find((known) => known === row.journal)
  if (table === undefined) return []
  const { name, revision_number, event_id, at_ms, policy_version, ...rest } = row
  const { instance, actor, reason, kind, subject, before, after, details } = rest
  return [
    {
      table,
      name,
      revision: revision_number,
      id: event_id,
      at: at_ms,
      instance,
      actor,
      reason,
      policyVersion: policy_version,
      kind,
      subject,
      before,
      after,
      details,
    },
  ]
}
