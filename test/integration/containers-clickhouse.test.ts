import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALERTS } from '../../dashboards/alerts.ts'
import { BOARDS } from '../../dashboards/files.ts'
import { openClient } from '../../src/store/client.ts'
import { migrate } from '../../src/store/migrate.ts'
import { runQuery } from '../../src/store/query/run-query.ts'
import { aRetention, quietLog } from '../fakes/clickhouse.ts'
import { realWorld } from '../fakes/real-world.ts'
import { type ComposeClickHouse, startComposeClickHouse } from '../fakes/compose-clickhouse.ts'
import { boardFile } from '../fakes/dashboard-file.ts'
import { asGrafanaSends, EVERYTHING } from '../fakes/grafana-query.ts'

const LAID_OVER = resolve(import.meta.dirname, '../../config/clickhouse-server')
const configXml = readFileSync(`${LAID_OVER}/config.d/understudy.xml`, 'utf8')
const usersXml = readFileSync(`${LAID_OVER}/users.d/understudy.xml`, 'utf8')

/** Elements with a number or a word in them, by name. */
const settingsIn = (xml: string): ReadonlyMap<string, string> =>
  new Map([...xml.matchAll(/<(\w+)>(\w+)<\/\1>/g)].map(([, name = '', value = '']) => [name, value]))

const systemLogs = [...configXml.matchAll(/<(\w+_log|dead_letter_queue) remove="1"\/>/g)].map(([, name = '']) => name)

const SYSTEM_LOGS = `SELECT name FROM system.tables WHERE database = 'system' AND name IN (${systemLogs.map((name) => `'${name}'`).join(', ')})`

describe('the ClickHouse of docker-compose.yml', () => {
  let server: ComposeClickHouse
  beforeAll(async () => {
    server = await startComposeClickHouse(systemLogs, { isLaidOver: true })
  })
  afterAll(() => server.close())

  test('knows every setting that is laid over its own, and has taken its value', async () => {
    const rows = await server.as('everything')<{ name: string; value: string }>(
      'SELECT name, value FROM system.server_settings',
    )
    const known = new Map(rows.map(({ name, value }) => [name, value]))
    // These are sections of a server's config that its table of settings does not list.
    const unlisted = ['level', 'console', 'enabled']
    const wanted = [...settingsIn(configXml)].filter(([name]) => !unlisted.includes(name))
    expect(wanted.length).toBeGreaterThan(6)
    expect(wanted.map(([name]) => [name, known.get(name)])).toEqual(wanted)
    expect(known.get('logger.console')).toBe('1')
    expect(known.get('logger.log')).toBe('')
  })

  test('runs every query with the profile that is laid over its own', async () => {
    const rows = await server.as('understudy')<{ name: string; value: string }>(
      'SELECT name, value FROM system.settings WHERE changed',
    )
    const changed = new Map(rows.map(({ name, value }) => [name, value]))
    const wanted = [...settingsIn(usersXml)]
    expect(wanted.length).toBeGreaterThan(6)
    expect(wanted.map(([name]) => [name, changed.get(name)])).toEqual(wanted)
  })

  test('keeps no tables about itself', async () => {
    await server.as('everything')('SYSTEM FLUSH LOGS')
    expect(await server.as('everything')(SYSTEM_LOGS)).toEqual([])
  })

  test('gives the proxy the rights to make its tables, write them and read them', async () => {
    const client = openClient({
      url: server.url,
      username: 'understudy',
      password: server.password,
      database: 'understudy',
    })
    try {
      const { signal } = new AbortController()
      const applied = await migrate({
        client,
        retention: aRetention,
        instance: 'test',
        log: quietLog,
        monotonic: realWorld.monotonic,
        signal,
      })
      expect(applied.length).toBeGreaterThan(2)
      const rows = await server.as('understudy')<{ name: string }>(
        'SELECT name FROM understudy.migrations ORDER BY version',
      )
      expect(rows.map(({ name }) => name)).toEqual(applied)
      // What checks a person's query asks the server's own tables.
      expect(await runQuery(client, 'SELECT count() FROM traces', 1)).toMatchObject({ kind: 'ok' })
    } finally {
      await client.close()
    }
  })

  test.each([
    ['a file', "SELECT * FROM file('/etc/passwd', LineAsString)"],
    ['another server', "SELECT * FROM url('http://127.0.0.1:1/', LineAsString, 'line String')"],
    ['another database', 'CREATE DATABASE another'],
    ['other users', 'CREATE USER another'],
    [
      'an engine that reads elsewhere',
      "CREATE TABLE understudy.out (line String) ENGINE = URL('http://127.0.0.1:1/', LineAsString)",
    ],
    ['its own rights', 'GRANT ALL ON *.* TO understudy'],
  ])('keeps the proxy away from %s', async (_what, sql) => {
    await expect(server.as('understudy')(sql)).rejects.toThrow(/ACCESS_DENIED|Not enough privileges/)
  })

  test('lets Grafana read everything that its dashboards and alert rules ask for', async () => {
    const { url } = server
    const client = openClient({ url, username: 'grafana', password: 'grafana', database: 'understudy' })
    const window = { from: new Date(0), to: new Date(86_400_000), intervalMs: 60_000 }
    const boards = Object.keys(BOARDS).map((name) => boardFile(name))
    const asked = [
      ...ALERTS.map(({ sql }) => sql),
      ...boards.flatMap(({ panels }) => panels.map(({ targets }) => targets[0].rawSql)),
      ...boards.flatMap(({ annotations }) => annotations.list.map(({ target }) => target.rawSql)),
      ...boards.flatMap(({ templating }) =>
        templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.rawSql])),
      ),
    ]
    expect(asked.length).toBeGreaterThan(50)
    try {
      for (const sql of asked) {
        const { columns } = await client.ask(asGrafanaSends(sql, window, EVERYTHING), {
          settings: {},
          maxBytes: 100_000,
        })
        expect(columns.length).toBeGreaterThan(0)
      }
    } finally {
      await client.close()
    }
  })

  test.each([
    ['writing', "INSERT INTO understudy.leases (name, revision) VALUES ('a', 1)"],
    ['dropping', 'DROP TABLE understudy.traces'],
    ['what was asked and answered', 'SELECT * FROM understudy.contents'],
    ['what is said of an answer', 'SELECT explanation FROM understudy.v_pairs'],
    ['the text of a policy', 'SELECT text FROM understudy.policy_versions'],
    ['reading a file', "SELECT * FROM file('/etc/passwd', LineAsString)"],
    ['asking another server', "SELECT * FROM url('http://127.0.0.1:1/', LineAsString, 'line String')"],
    ['writing after giving itself the setting', 'SET readonly = 0'],
  ])('keeps Grafana from %s', async (_what, sql) => {
    await expect(server.as('grafana')(sql)).rejects.toThrow(/ACCESS_DENIED|Not enough privileges|READONLY|readonly/)
  })
})

test('without the files laid over, the same server keeps tables about itself', async () => {
  const server = await startComposeClickHouse(systemLogs, { isLaidOver: false })
  try {
    await server.as('everything')('SYSTEM FLUSH LOGS')
    expect((await server.as('everything')(SYSTEM_LOGS)).length).toBeGreaterThan(4)
  } finally {
    await server.close()
  }
})
