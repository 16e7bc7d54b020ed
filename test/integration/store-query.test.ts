import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StoreClient } from '../../src/store/client.ts'
import { isKnownFunction } from '../../src/store/query/known-functions.ts'
import { openingFault } from '../../src/store/query/query-fault.ts'
import { openQueries, runQuery } from '../../src/store/query/run-query.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

const HOSTILE = readFileSync(new URL('../fixtures/hostile/queries.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line): readonly [sql: string, word: string] => {
    const [sql = '', word = ''] = line.split('\t')
    return [sql.replaceAll('\\n', '\n'), word]
  })

let engine: TestEngine
/** The engine's own read-only user, and the owner, as on a server where there is no other. */
let readers: readonly StoreClient[]

beforeAll(async () => {
  engine = await startTestEngine()
  const owner = await engine.migrated()
  await owner.command('CREATE DATABASE other')
  await owner.command('CREATE TABLE other.secrets (a String) ENGINE = MergeTree ORDER BY a')
  await owner.command(`INSERT INTO understudy.traces (trace_id, received_at, route, task, outcome, duration_ms, cost_usd)
    SELECT generateUUIDv7(), now64(3) - number, 'chat', 'coding', 'completed', number, 0.001 FROM numbers(1000)`)
  readers = [engine.reader(), owner]
})
afterAll(() => engine?.close())

describe('a query that could reach beyond the tables', () => {
  test('is refused before it runs, and the answer says what it was refused for', async () => {
    expect(HOSTILE.length).toBeGreaterThan(60)
    const ran: string[] = []
    for (const reader of readers) {
      for (const [sql, word] of HOSTILE) {
        const answer = await runQuery(reader, sql, 10)
        const isRight = answer.kind === 'refused' && answer.detail.includes(word)
        if (!isRight) ran.push(`${sql}\n    ${JSON.stringify(answer).slice(0, 300)}`)
      }
    }
    expect(ran.join('\n')).toBe('')
  })

  test('has no function to do it with: none that the engine has for it is among the known', async () => {
    const [, owner] = readers
    const names = await owner?.ask(
      'SELECT name FROM system.functions UNION ALL SELECT name FROM system.table_functions',
      {
        settings: {},
        maxBytes: 1_000_000,
      },
    )
    const known = (names?.rows ?? []).flatMap(([name]) =>
      typeof name === 'string' && isKnownFunction(name) ? [name] : [],
    )
    expect(known.length).toBeGreaterThan(1_000)
    const reaching =
      /file|sqlite|^url|remote|cluster|^s3|hdfs|azure|iceberg|deltaLake|dict|join(Get)|catboost|model|^ai[A-Z]|sleep|setting|macro|host|server|user|role|profile|certificate|query_?id|addressTo|executable|merge\b|^view|system|zookeeper|keeper|introspect|chdb|^eval|throwIf|serial/i
    const harmless = ['aggregate', 'cutToFirstSignificantSubdomain', 'URLHierarchy', 'URLPathHierarchy']
    expect(known.filter((name) => reaching.test(name) && !harmless.some((word) => name.startsWith(word)))).toEqual([])
  })

  test('finds no column of ours that it would refuse for its name', async () => {
    const [reader] = readers
    const selects = await reader?.ask(
      `SELECT concat('EXPLAIN SELECT ', arrayStringConcat(groupArray(concat('"', name, '"')), ', '), ' FROM ', table)
        FROM system.columns WHERE database = 'understudy' GROUP BY table`,
      { settings: {}, maxBytes: 1_000_000 },
    )
    const texts = (selects?.rows ?? []).flatMap(([sql]) => (typeof sql === 'string' ? [sql] : []))
    expect(texts.length).toBeGreaterThan(20)
    for (const sql of texts) expect(reader && (await runQuery(reader, sql, 10))).toMatchObject({ kind: 'ok' })
  })

  test('is refused whatever surrounds the call', async () => {
    const call = fc.constantFrom("file('/etc/passwd')", "`file`('/etc/passwd')", 'hostName()', "getSetting('readonly')")
    const inside = fc.constantFrom<(sql: string) => string>(
      (sql) => `(${sql})`,
      (sql) => `length(toString(${sql}))`,
      (sql) => `if(1, ${sql}, '')`,
      (sql) => `arrayMap(x -> ${sql}, [1])`,
      (sql) => `(SELECT ${sql})`,
      (sql) => `CASE WHEN 1 THEN ${sql} END`,
      (sql) => `tuple(${sql}, 1).1`,
      (sql) => `/* ( */ ${sql} -- )\n`,
      (sql) => `[${sql}][1]`,
      (sql) => `max(${sql}) OVER ()`,
    )
    await fc.assert(
      fc.asyncProperty(call, fc.array(inside, { maxLength: 5 }), async (first, layers) => {
        const expression = layers.reduce<string>((text, layer) => layer(text), first)
        const sql = `SELECT ${expression} FROM traces LIMIT 1`
        const [reader] = readers
        expect(reader && (await runQuery(reader, sql, 1))).toMatchObject({ kind: 'refused' })
      }),
      { numRuns: 60, seed: 1 },
    )
  })
})

const ORDINARY = [
  'SELECT 1',
  'SELECT 1;',
  'SELECT 1 -- done',
  '-- what\n/* and * why */ (SELECT 1)',
  'SHOW TABLES',
  'SHOW CREATE TABLE traces',
  'SHOW CREATE TABLE understudy.traces',
  'DESCRIBE traces',
  'DESCRIBE TABLE understudy.attempts',
  'EXPLAIN SELECT count() FROM traces',
  'EXPLAIN indexes = 1 SELECT count() FROM traces WHERE received_at > now() - INTERVAL 1 HOUR',
  'EXPLAIN PIPELINE SELECT count() FROM traces',
  'EXPLAIN ESTIMATE SELECT count() FROM traces',
  'SELECT * FROM traces',
  'SELECT * EXCEPT (path) FROM understudy.traces LIMIT 2',
  'SELECT * FROM v_cost_per_model_hour',
  'SELECT route, count(), sum(cost_usd) FROM traces GROUP BY route WITH TOTALS ORDER BY 2 DESC',
  'SELECT toStartOfMinute(received_at) AS m, quantiles(0.5, 0.95)(duration_ms) FROM traces GROUP BY m ORDER BY m WITH FILL STEP 60',
  'SELECT minute, sum(requests), quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_ms) FROM traces_1m GROUP BY minute',
  'WITH last AS (SELECT * FROM traces ORDER BY received_at DESC LIMIT 10) SELECT avg(duration_ms) FROM last',
  'SELECT t.route, a.model FROM traces AS t LEFT JOIN attempts AS a USING (trace_id) WHERE a.model IN (SELECT model FROM attempts)',
  "SELECT tags['team'], arrayMap(x -> x.1, targets), task IN ('coding', 'math') FROM traces",
  "SELECT countIf(cost_usd IS NULL) / count(), uniqExactIf(user, user != '') FROM traces WHERE NOT is_stream",
  'SELECT route, row_number() OVER (PARTITION BY route ORDER BY received_at) AS n FROM traces QUALIFY n = 1',
  'SELECT number, toDate(now()) - number FROM numbers(5)',
  'SELECT 1 UNION ALL SELECT 2',
  'SELECT 1 EXCEPT SELECT 2',
  "SELECT extract(path, '/v1/(\\\\w+)') AS p, topK(3)(p), JSONExtractString('{}', 'a') FROM traces GROUP BY p",
  'SELECT count() OVER w FROM traces WINDOW w AS (ORDER BY received_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)',
  'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n',
  'SELECT route, task, count() FROM traces GROUP BY GROUPING SETS ((route), (task))',
  'SELECT route FROM traces WHERE EXISTS (SELECT 1 FROM attempts) LIMIT 1 BY route',
  'FROM traces SELECT count()',
  "SELECT user, arrayMap(length, [user]), arrayMap(lower, [route]) FROM traces WHERE user != ''",
  'SELECT max(revision) FROM config_changes',
]

describe('an ordinary query', () => {
  test.each(ORDINARY)('%s', async (sql) => {
    for (const reader of readers) expect(await runQuery(reader, sql, 10)).toMatchObject({ kind: 'ok' })
  })

  test('runs, whatever of the allowed it is put together from', async () => {
    const column = fc.constantFrom('route', 'task', 'toHour(received_at)', 'outcome', "concat(route, '/', task)")
    const aggregate = fc.constantFrom(
      'count()',
      'sum(duration_ms)',
      'avgOrNull(first_token_ms)',
      'quantileIf(0.9)(duration_ms, is_stream)',
    )
    const where = fc.constantFrom(
      '1',
      'received_at > now() - INTERVAL 1 DAY',
      "route LIKE 'c%'",
      'status BETWEEN 200 AND 299',
    )
    const table = fc.constantFrom(
      'traces',
      'understudy.traces',
      '(SELECT * FROM traces)',
      '`traces` AS t',
      '"understudy"."traces"',
    )
    await fc.assert(
      fc.asyncProperty(column, aggregate, where, table, fc.boolean(), async (by, what, which, from, isSorted) => {
        const sql = `SELECT ${by} AS k, ${what} AS v FROM ${from} WHERE ${which} GROUP BY k${isSorted ? ' ORDER BY v DESC' : ''}`
        for (const reader of readers) expect(await runQuery(reader, sql, 100)).toMatchObject({ kind: 'ok' })
      }),
      { numRuns: 40, seed: 1 },
    )
  })

  test('brings no more rows than asked for, and says when there are more', async () => {
    for (const reader of readers) {
      const answer = await runQuery(reader, 'SELECT number, toUInt64(number) AS n FROM numbers(100)', 3)
      expect(answer).toEqual({
        kind: 'ok',
        columns: [
          { name: 'number', type: 'UInt64' },
          { name: 'n', type: 'UInt64' },
        ],
        rows: [
          ['0', '0'],
          ['1', '1'],
          ['2', '2'],
        ],
        isCut: true,
      })
      expect(await runQuery(reader, 'SELECT 1 FROM numbers(3)', 3)).toMatchObject({ isCut: false })
    }
  })
})

describe('a query that is too much', () => {
  test.each([
    ['SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))', /longer than 10 s/],
    ['SELECT groupArray(toString(number)) FROM numbers(100000000)', /400 MB of memory/],
    ["SELECT repeat('x', 10000) FROM numbers(5000)", /larger than 16 MB/],
  ])('is stopped with a plain word: %s', { timeout: 40_000 }, async (sql, words) => {
    for (const reader of readers) {
      const answer = await runQuery(reader, sql, 10_000)
      expect(answer).toMatchObject({ kind: 'refused', detail: expect.stringMatching(words) })
    }
  })

  test('is not even sent when it is longer than any that a person writes', async () => {
    const [reader] = readers
    const answer = reader && (await runQuery(reader, `SELECT '${'x'.repeat(70_000)}'`, 1))
    expect(answer).toMatchObject({ kind: 'refused', detail: expect.stringContaining('longer than') })
  })
})

test('a third query at a time is turned away, and let in once another is over', async () => {
  const query = openQueries(
    () => readers[0],
    () => 'away',
  )
  const answers = await Promise.all([1, 2, 3].map((n) => query(`SELECT ${n}`, 1)))
  expect(answers.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'refused'])
  expect(await query('SELECT 4', 1)).toMatchObject({ kind: 'ok' })
  const none = openQueries(
    () => undefined,
    () => 'away',
  )
  expect(await none('SELECT 1', 1)).toEqual({ kind: 'unavailable', detail: 'away' })
})

test.each([' ', '(', '/**/', '-- x\n', '/*', '--', '# x\n'])('no text of %j keeps the proxy busy', (part) => {
  const startedAt = performance.now()
  openingFault(`${part.repeat(64_000 / part.length)}x`)
  expect(performance.now() - startedAt).toBeLessThan(500)
})

test('a wrong query is answered with what the server says of it', async () => {
  const [reader] = readers
  expect(reader && (await runQuery(reader, 'SELECT rout FROM traces', 1))).toMatchObject({
    kind: 'refused',
    detail: expect.stringContaining('rout'),
  })
})
