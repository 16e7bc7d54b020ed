import { identifier } from './client.ts'

// The numbered SQL files as a ClickHouse cluster wants them. A table takes one of two shapes:
//
// - Rows of a request, and what is summed up from them: `<name>_local` on every shard, replicated within it, and
//   `<name>`, Distributed over the shards, for whoever reads and writes. All rows of a trace are on one shard. A batch
//   is split by trace, the same way however often it is sent, and its token goes along: each shard recognises its part.
//   Materialized views work within a shard, from local table to local table.
// - Anything else (leases, migrations, what people decided): one table of which every node is a replica. It is small, and
//   its deduplication tokens must hold for the cluster as a whole.

/** Where a statement goes. */
export type ClusterNames = { readonly database: string; readonly cluster: string }

const CREATE_TABLE = /^CREATE TABLE IF NOT EXISTS \{database\}\.(\w+) \{on_cluster\}/
const CREATE_VIEW = /^CREATE OR REPLACE VIEW \{database\}\.\w+ \{on_cluster\} AS/
const CREATE_MATERIALIZED_VIEW =
  /^CREATE MATERIALIZED VIEW IF NOT EXISTS \{database\}\.\w+ \{on_cluster\} TO \{database\}\.\w+ AS\s/
const ALTER_TABLE = /^ALTER TABLE \{database\}\.(\w+) \{on_cluster\}/
const ENGINE = /\{engine:(\w+)(?:\(([^)]*)\))?\}/

/** How long a shard knows a batch again: longer than any outage that a spool is made for. */
const WINDOW_SECONDS = 30 * 86_400

/**
 * What one statement of a file becomes on a cluster, in this order; placeholders other than the engine's are left.
 * `sharded` says which tables have local parts. Throws on a statement of a kind that it does not know.
 */
export function clusterStatements(
  statement: string,
  sharded: ReadonlySet<string>,
  names: ClusterNames,
): readonly string[] {
  const table = CREATE_TABLE.exec(statement)?.[1]
  if (table !== undefined) {
    const isSharded = sharded.has(table)
    const created = withReplicas(
      isSharded ? statement.replace(`{database}.${table} `, `{database}.${table}_local `) : statement,
      {
        path: `/clickhouse/tables/${isSharded ? '{shard}' : 'all'}/${names.database}/${isSharded ? `${table}_local` : table}`,
        replica: isSharded ? '{replica}' : '{shard}-{replica}',
      },
    )
    return isSharded ? [created, distributed(table, statement, names)] : [created]
  }
  if (CREATE_MATERIALIZED_VIEW.test(statement)) {
    return [
      statement.replaceAll(/(?<=\s)(TO|FROM) \{database\}\.(\w+)/g, (_all, word: string, name: string) => {
        if (!sharded.has(name)) throw new Error(`a materialized view on a cluster needs local tables; ${name} has none`)
        return `${word} {database}.${name}_local`
      }),
    ]
  }
  if (CREATE_VIEW.test(statement)) return [statement]
  const altered = ALTER_TABLE.exec(statement)?.[1]
  if (altered !== undefined) {
    // A Distributed table has columns of its own, but neither keys nor a TTL.
    const isOfColumns = /\b(?:ADD|MODIFY|DROP|RENAME|COMMENT) COLUMN\b/.test(statement)
    if (!sharded.has(altered)) return [statement.replace(' {on_cluster}', '')]
    return [
      statement.replace(`{database}.${altered} `, `{database}.${altered}_local `),
      ...(isOfColumns ? [statement] : []),
    ]
  }
  throw new Error(`a statement of a kind that has no form on a cluster: ${statement.slice(0, 80)}`)
}

/** The tables of these statements whose rows are spread over shards: those of a trace, and their sums. */
export function shardedTables(statements: readonly string[]): ReadonlySet<string> {
  const names = statements.flatMap((statement) => {
    const name = CREATE_TABLE.exec(statement)?.[1]
    return name !== undefined && (shardingKey(statement) !== undefined || isSum(statement)) ? [name] : []
  })
  return new Set(names)
}

/** Undefined where rows belong to no trace. */
function shardingKey(statement: string): string | undefined {
  return /^ +trace_id UUID /m.test(statement) ? 'cityHash64(trace_id)' : undefined
}

function isSum(statement: string): boolean {
  return statement.includes('{engine:AggregatingMergeTree}')
}

function distributed(table: string, statement: string, { cluster }: ClusterNames): string {
  const key = shardingKey(statement)
  // Without a key it is for reading: views write into the local tables.
  const engine = `Distributed(${identifier(cluster)}, {database}, ${table}_local${key === undefined ? '' : `, ${key}`})`
  return `CREATE TABLE IF NOT EXISTS {database}.${table} {on_cluster} AS {database}.${table}_local\nENGINE = ${engine}`
}

function withReplicas(
  statement: string,
  { path, replica }: { readonly path: string; readonly replica: string },
): string {
  return statement
    .replace(ENGINE, (_all, engine: string, parameters: string | undefined) => {
      const more = parameters === undefined || parameters === '' ? '' : `, ${parameters}`
      return `Replicated${engine}('${path}', '${replica}'${more})`
    })
    .replace(
      /non_replicated_deduplication_window = (\d+)/,
      `replicated_deduplication_window = $1, replicated_deduplication_window_seconds = ${WINDOW_SECONDS}`,
    )
}
