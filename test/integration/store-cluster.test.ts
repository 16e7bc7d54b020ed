import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoreClient } from '../../src/store/client.ts'
import { migrationStatements } from '../../src/store/migrate.ts'
import { aRetention, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { rowsOf } from '../fakes/rollup-sums.ts'

const CLUSTER = { database: 'understudy', cluster: 'prod', retention: aRetention }
const statements = migrationStatements(CLUSTER)
const creates = statements.filter((sql) => sql.startsWith('CREATE'))
const tableOf = (sql: string): string => /^CREATE [A-Z ]+ `understudy`\.(\w+) /.exec(sql)?.[1] ?? ''
const tables = new Map(creates.filter((sql) => sql.startsWith('CREATE TABLE')).map((sql) => [tableOf(sql), sql]))

let engine: TestEngine
let client: StoreClient

beforeAll(async () => {
  engine = await startTestEngine()
  client = engine.client('default')
})
afterAll(() => engine?.close())

test('every statement for a cluster is one that the engine can parse', async () => {
  expect(statements.length).toBeGreaterThan(25)
  for (const sql of statements) {
    const parsed = await client.ask(`SELECT formatQuerySingleLine(unhex('${Buffer.from(sql).toString('hex')}'))`, {
      settings: {},
      maxBytes: 1_000_000,
    })
    expect(parsed.rows[0]?.[0]).toMatch(/^(?:CREATE|ALTER) /)
  }
})

test('every statement is for every host, apart from changes that replication itself carries on', () => {
  const elsewhere = statements.filter((sql) => !sql.includes('ON CLUSTER `prod`'))
  expect(elsewhere.filter((sql) => !/^ALTER TABLE `understudy`\.\w+(?<!_local)\s/.test(sql))).toEqual([])
})

test('rows of a trace are on one shard, whatever the table', () => {
  const distributed = [...tables].filter(([, sql]) => sql.includes('ENGINE = Distributed'))
  expect(distributed.map(([name]) => name)).toEqual(expect.arrayContaining(['traces', 'attempts', 'traces_1m']))
  for (const [name, sql] of distributed) {
    const local = tables.get(`${name}_local`) ?? ''
    const key = local.includes('\n    trace_id UUID ') ? ', cityHash64(trace_id))' : ')'
    expect(sql).toContain(`AS \`understudy\`.${name}_local`)
    expect(sql.endsWith(`ENGINE = Distributed(\`prod\`, \`understudy\`, ${name}_local${key}`)).toBe(true)
  }
})

test('every table that holds rows is replicated, within its shard or over all nodes, and knows batches again', () => {
  const holding = [...tables].filter(([, sql]) => !sql.includes('ENGINE = Distributed'))
  expect(holding.map(([name]) => name)).toEqual(
    expect.arrayContaining(['migrations', 'leases', 'traces_local', 'attempts_local', 'attempts_1h_local']),
  )
  for (const [name, sql] of holding) {
    const [path, replica] = name.endsWith('_local') ? ['{shard}', '{replica}'] : ['all', '{shard}-{replica}']
    expect(sql).toMatch(/ENGINE = Replicated\w*MergeTree\('/)
    expect(sql).toContain(`('/clickhouse/tables/${path}/understudy/${name}', '${replica}'`)
    expect(sql).toContain('replicated_deduplication_window_seconds = 2592000')
    expect(sql).not.toContain('non_replicated')
  }
})

test('materialized views stay within a shard', () => {
  const views = creates.filter((sql) => sql.startsWith('CREATE MATERIALIZED VIEW'))
  expect(views.length).toBeGreaterThanOrEqual(4)
  for (const sql of views) {
    expect(sql.match(/`understudy`\.\w+/g)?.slice(1)).toEqual([
      expect.stringMatching(/_1[mh]_local$/),
      expect.stringMatching(/^`understudy`\.(?:traces|attempts)_local$/),
    ])
  }
})

test('made on one server, with the replication taken out, it is a store like any other', async () => {
  await client.command('CREATE DATABASE clustered')
  for (const sql of statements.slice(1)) {
    const single = sql
      .replace(' ON CLUSTER `prod`', '')
      .replaceAll('`understudy`', 'clustered')
      .replace(/Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?/, '$1(')
      .replace(
        /replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+/,
        'non_replicated_deduplication_window = $1',
      )
      // A server without a cluster takes no Distributed table: what is read under the plain name is the local one.
      .replace(
        /^(CREATE TABLE .*) AS clustered\.(\w+)\nENGINE = Distributed.*$/,
        (_all, create: string, local: string) =>
          `${create} AS clustered.${local} ENGINE = Merge(clustered, '^${local}$')`,
      )
    await client.command(single)
  }
  await client.command(
    'INSERT INTO clustered.traces_local (trace_id, received_at) SELECT generateUUIDv7(), now64(3) FROM numbers(5)',
  )
  expect(await rowsOf(client, 'SELECT sum(requests) AS n FROM clustered.traces_1h')).toEqual([{ n: '5' }])
  expect(await rowsOf(client, 'SELECT count() AS n FROM clustered.traces')).toEqual([{ n: '5' }])
  expect(await rowsOf(client, 'SELECT count() AS n FROM clustered.v_recent_errors')).toHaveLength(1)
})

test('on one server the same files say nothing of a cluster', () => {
  const plain = migrationStatements({ ...CLUSTER, cluster: undefined }).join('\n')
  expect(plain).not.toMatch(/ON CLUSTER|Replicated|Distributed|_local/)
})
