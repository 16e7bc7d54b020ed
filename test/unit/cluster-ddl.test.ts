import { expect, test } from 'vitest'
import { clusterStatements, shardedTables } from '../../src/store/cluster-ddl.ts'

const names = { database: 'understudy', cluster: 'prod' }
const FACTS =
  "CREATE TABLE IF NOT EXISTS {database}.facts {on_cluster}\n(\n    trace_id UUID COMMENT 'x'\n)\nENGINE = {engine:ReplacingMergeTree(version)}\nSETTINGS non_replicated_deduplication_window = 5"
const NOTES =
  "CREATE TABLE IF NOT EXISTS {database}.notes {on_cluster}\n(\n    note String COMMENT 'x'\n)\nENGINE = {engine:MergeTree}"
const sharded = shardedTables([FACTS, NOTES])
const on = (statement: string): readonly string[] => clusterStatements(statement, sharded, names)

test('rows of a trace are in local tables under a Distributed one, other rows in one table over all nodes', () => {
  expect(sharded).toEqual(new Set(['facts']))
  expect(on(FACTS)).toEqual([
    FACTS.replace('.facts ', '.facts_local ')
      .replace(
        '{engine:ReplacingMergeTree(version)}',
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/understudy/facts_local', '{replica}', version)",
      )
      .replace(
        'non_replicated_deduplication_window = 5',
        'replicated_deduplication_window = 5, replicated_deduplication_window_seconds = 2592000',
      ),
    'CREATE TABLE IF NOT EXISTS {database}.facts {on_cluster} AS {database}.facts_local\nENGINE = Distributed(`prod`, {database}, facts_local, cityHash64(trace_id))',
  ])
  expect(on(NOTES)).toEqual([
    NOTES.replace(
      '{engine:MergeTree}',
      "ReplicatedMergeTree('/clickhouse/tables/all/understudy/notes', '{shard}-{replica}')",
    ),
  ])
})

test('a new column comes to the local tables first and then to the one above them; a TTL only to the former', () => {
  const column = 'ALTER TABLE {database}.facts {on_cluster} ADD COLUMN IF NOT EXISTS more String'
  expect(on(column)).toEqual([column.replace('.facts ', '.facts_local '), column])
  const ttl = 'ALTER TABLE {database}.facts {on_cluster} MODIFY TTL toDateTime(at) + INTERVAL 1 DAY'
  expect(on(ttl)).toEqual([ttl.replace('.facts ', '.facts_local ')])
})

test('a change of a table over all nodes is made once, and replication carries it on', () => {
  const column = 'ALTER TABLE {database}.notes {on_cluster} ADD COLUMN IF NOT EXISTS more String'
  expect(on(column)).toEqual(['ALTER TABLE {database}.notes ADD COLUMN IF NOT EXISTS more String'])
})

test('a materialized view works from local table to local table, and is refused where there is none', () => {
  const view = (source: string): string =>
    `CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.v {on_cluster} TO {database}.facts AS\nSELECT a\nFROM {database}.${source} AS row`
  expect(on(view('facts'))[0]).toMatch(
    / TO \{database\}\.facts_local AS\nSELECT a\nFROM \{database\}\.facts_local AS row$/,
  )
  expect(() => on(view('notes'))).toThrow(/notes has none/)
})

test('a view reads what is Distributed; a statement of another kind is refused', () => {
  const view = 'CREATE OR REPLACE VIEW {database}.v_x {on_cluster} AS\nSELECT a FROM {database}.facts'
  expect(on(view)).toEqual([view])
  expect(() => on('OPTIMIZE TABLE {database}.facts')).toThrow(/no form on a cluster/)
})
