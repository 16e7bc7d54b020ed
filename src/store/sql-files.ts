import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Retention } from '../domain/policy.ts'
import { identifier } from './client.ts'
import { clusterStatements, shardedTables } from './cluster-ddl.ts'

/** A numbered file of config/clickhouse, not yet filled in. */
export type SqlFile = {
  readonly version: number
  readonly name: string
  /** SHA-256 over the file's text, hexadecimal: what is released must not change, whatever is filled in. */
  readonly checksum: string
  readonly statements: readonly string[]
}

/** What the placeholders of a statement stand for. */
export type SqlNames = {
  readonly database: string
  /** Replicated and Distributed tables on all hosts of this cluster; undefined = plain tables on one server. */
  readonly cluster: string | undefined
  readonly retention: Retention
}

/** All numbered files of `dir` by rising version. Throws when two share a number or one holds no statement. */
export function readSqlFiles(dir: string): readonly SqlFile[] {
  const files = readdirSync(dir)
    .filter((name) => /^\d{3}_[a-z0-9_]+\.sql$/.test(name))
    .sort()
    .map((name) => parseSqlFile(name, readFileSync(join(dir, name), 'utf8')))
  for (const [index, file] of files.entries()) {
    if (files[index - 1]?.version === file.version) {
      throw new Error(
        `${dir}: two migrations have the number ${file.version}; give the newer one the next free number.`,
      )
    }
  }
  return files
}

/** Cuts a file into statements; each begins after a line `-- statement: what it is for`. */
export function parseSqlFile(name: string, text: string): SqlFile {
  const [, ...parts] = text.split(/^-- statement:.*$/m)
  const statements = parts.map((part) => part.trim()).filter((part) => part !== '')
  if (statements.length === 0) {
    throw new Error(`${name}: expected at least one "-- statement: …" line followed by SQL.`)
  }
  const checksum = createHash('sha256').update(text).digest('hex')
  return { version: Number(name.slice(0, 3)), name, checksum, statements }
}

/**
 * How the statements of these files are run, each as one or, on a cluster, several; all files must be given, because a
 * later one may change a table of an earlier one.
 */
export function statementRenderer(
  files: readonly SqlFile[],
  names: SqlNames,
): (statement: string) => readonly string[] {
  const { cluster, database } = names
  if (cluster === undefined) return (statement) => [renderStatement(statement, names)]
  const sharded = shardedTables(files.flatMap(({ statements }) => statements))
  return (statement) =>
    clusterStatements(statement, sharded, { cluster, database }).map((each) => renderStatement(each, names))
}

/** How the database itself is made. */
export function databaseStatement({
  database,
  cluster,
}: Pick<SqlNames, 'database'> & Partial<Pick<SqlNames, 'cluster'>>): string {
  const everywhere = cluster === undefined ? '' : ` ON CLUSTER ${identifier(cluster)}`
  return `CREATE DATABASE IF NOT EXISTS ${identifier(database)}${everywhere}`
}

/** Fills in the placeholders of a statement. Throws on one it does not know. */
export function renderStatement(statement: string, names: SqlNames): string {
  return statement.replace(/\{(\w+)(?::([^}]*))?\}/g, (placeholder: string, name: string, argument?: string) => {
    switch (name) {
      case 'database':
        return identifier(names.database)
      case 'on_cluster':
        return names.cluster === undefined ? '' : `ON CLUSTER ${identifier(names.cluster)}`
      case 'engine':
        return argument ?? ''
      // The server's own macros, in the path of a replicated table.
      case 'shard':
      case 'replica':
        return placeholder
      case 'traces_days':
        return String(names.retention.tracesDays)
      case 'attempts_days':
        return String(names.retention.attemptsDays)
      case 'contents_days':
        return String(names.retention.contentsDays)
      case 'quarantine_days':
        return String(names.retention.quarantineDays)
      case 'rollup_minutes_days':
        return String(names.retention.rollupMinutesDays)
      case 'rollup_hours_days':
        return String(names.retention.rollupHoursDays)
      default:
        throw new Error(`unknown placeholder ${placeholder} in: ${statement.slice(0, 80)}`)
    }
  })
}
