import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { PROVISIONED_UID } from '../../dashboards/alerts.ts'
import { BOARDS, generatedFiles } from '../../dashboards/files.ts'
import { PALETTE, SERIES_COLOURS } from '../../dashboards/palette.ts'
import { PLUGIN_ID, PLUGIN_VERSION } from '../../dashboards/query.ts'
import { usersConfigXml } from '../../src/store/embedded/server-config.ts'
import { composeFile, mount, publishedPort } from '../fakes/compose-file.ts'
import { boardFile, DASHBOARDS, type PanelFile } from '../fakes/dashboard-file.ts'

const read = (path: string): string => readFileSync(join(DASHBOARDS, path), 'utf8')
const boards = Object.keys(BOARDS).map((name) => [name, boardFile(name)] as const)
const panels = boards.flatMap(([name, { panels: all }]) =>
  all.map((panel): readonly [string, PanelFile] => [`${name}: ${panel.title}`, panel]),
)
const colours: readonly string[] = Object.values(PALETTE)

describe('generated files', () => {
  test.each([...generatedFiles()])('%s is what `npm run dashboards` makes', (path, text) => {
    expect(read(path)).toBe(text)
  })

  test('no dashboard is left that nothing makes', () => {
    expect(readdirSync(join(DASHBOARDS, 'json')).toSorted()).toEqual(
      Object.keys(BOARDS)
        .map((name) => `${name}.json`)
        .toSorted(),
    )
  })

  test('no two dashboards have a uid or a title in common', () => {
    expect(new Set(boards.map(([, { uid }]) => uid)).size).toBe(boards.length)
    expect(new Set(boards.map(([, { title }]) => title)).size).toBe(boards.length)
  })
})

describe.each(boards)('layout of %s', (_name, board) => {
  const cells = board.panels.flatMap(({ id, gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => ({ id, cell: `${x + (at % w)}:${y + Math.floor(at / w)}` })),
  )

  test('panels have ids of their own and places of their own, inside 24 columns, without holes', () => {
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
    expect(new Set(cells.map(({ cell }) => cell)).size).toBe(cells.length)
    expect(board.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
    const height = Math.max(...board.panels.map(({ gridPos: { y, h } }) => y + h))
    expect(cells.length).toBe(height * 24)
  })

  test('no two panels have a title in common', () => {
    expect(new Set(board.panels.map(({ title }) => title)).size).toBe(board.panels.length)
  })

  test('its first variable is the environment, and every variable is used', () => {
    const [first, ...others] = board.templating.list
    expect(first).toMatchObject({ name: 'environment', type: 'datasource', query: PLUGIN_ID })
    const sql = board.panels.map(({ targets }) => targets[0].rawSql).join('\n')
    expect(others.filter(({ name }) => !sql.includes(`\${${name}:singlequote}`))).toEqual([])
    const wanted = new Set([...sql.matchAll(/\$\{(\w+):/g)].map(([, name]) => name))
    expect(wanted).toEqual(new Set(others.map(({ name }) => name)))
  })

  test('marks what changed, in colours of the palette', () => {
    expect(board.annotations.list.map(({ name }) => name)).toEqual([
      'Policies',
      'Live changes',
      'Rollout events',
      'Weight decisions',
    ])
    expect(board.annotations.list.filter(({ iconColor }) => !colours.includes(iconColor))).toEqual([])
  })
})

describe('every panel', () => {
  test.each(panels)('%s says what it shows, in a unit, from the chosen environment', (_name, panel) => {
    const [target] = panel.targets
    expect(panel.description).toMatch(/\.$/)
    expect(panel.datasource).toEqual({ type: PLUGIN_ID, uid: '${environment}' })
    expect(target).toMatchObject({ datasource: panel.datasource, pluginVersion: PLUGIN_VERSION, refId: 'A' })
    expect(target.format).toBe(panel.type === 'timeseries' ? 0 : 1)
    const units = panel.fieldConfig.overrides.flatMap(({ properties }) => properties.filter(({ id }) => id === 'unit'))
    // A column that is not named before it is there has the unit of all.
    const isListed = panel.type === 'table' && panel.transformations === undefined
    expect(isListed ? units.length : panel.fieldConfig.defaults.unit).toBeTruthy()
  })

  test.each(panels.filter(([, { type }]) => type === 'timeseries'))(
    '%s has a legend, points of no less than there are rows for, and colours for everybody',
    (_name, panel) => {
      expect(panel.options.legend?.showLegend).toBe(true)
      // Of scores and verdicts there are few in a minute.
      expect(panel.interval).toBe(/FROM v_(scores|pairs)/.test(panel.targets[0].rawSql) ? '15m' : '1m')
      expect(panel.fieldConfig.defaults.color).toEqual({ mode: 'fixed', fixedColor: PALETTE.grey })
      const fixed = JSON.stringify(panel.fieldConfig.overrides).match(/#[0-9A-F]{6}/gi) ?? []
      expect(fixed.filter((colour) => !colours.includes(colour))).toEqual([])
      expect(new Set(fixed).size).toBe(fixed.length)
    },
  )
})

describe('panels that are no lines', () => {
  test.each(panels.filter(([, { type }]) => type === 'barchart'))(
    '%s has a legend, and a colour for each number',
    (_name, panel) => {
      expect(panel.options.legend?.showLegend).toBe(true)
      const { overrides } = panel.fieldConfig
      const coloursOf = (name: string): unknown[] =>
        overrides
          .filter(({ matcher }) => new RegExp(matcher.options.slice(1, -1)).test(name))
          .flatMap(({ properties }) => properties.map(({ value }) => value))
      const first = SERIES_COLOURS.map((_colour, at) => coloursOf(`${at + 1} haiku`))
      expect(first).toEqual(SERIES_COLOURS.map((colour) => [{ mode: 'fixed', fixedColor: PALETTE[colour] }]))
      expect(coloursOf('8 haiku')).toEqual(first[0])
      expect(panel.targets[0].rawSql).toContain(
        "concat(toString(dense_rank() OVER (ORDER BY model_name)), ' ', model_name)",
      )
    },
  )

  test.each(panels)('%s has no colour but those of the palette', (_name, { fieldConfig }) => {
    const used = JSON.stringify(fieldConfig).match(/#[0-9A-F]{6}/gi) ?? []
    expect(used.filter((colour) => !colours.includes(colour))).toEqual([])
  })

  test('a link to a trace leads to the dashboard of one trace, with its id and its environment', () => {
    const links = JSON.stringify(panels.map(([, { fieldConfig }]) => fieldConfig.overrides)).match(/\/d\/[^"]+/g) ?? []
    expect(links.length).toBeGreaterThan(2)
    const one = boardFile('trace')
    const variables = one.templating.list.map(({ name }) => name)
    for (const link of links) {
      expect(link.split('/')[2]).toBe(one.uid)
      expect(variables).toContain(/var-(\w+)=\$\{__value\.raw\}/.exec(link)?.[1])
      expect(link).toContain('${environment:queryparam}')
    }
  })
})

const DataSources = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.tuple([
    z.strictObject({
      name: z.string(),
      uid: z.string(),
      type: z.string(),
      access: z.literal('proxy'),
      isDefault: z.literal(true),
      editable: z.literal(false),
      // The fields of CHConfig that the plugin reads; a misspelt one would be ignored there.
      jsonData: z.strictObject({
        version: z.string(),
        host: z.string(),
        port: z.int(),
        protocol: z.literal('http'),
        secure: z.literal(false),
        username: z.string(),
        defaultDatabase: z.string(),
        dialTimeout: z.string(),
        queryTimeout: z.string(),
      }),
      secureJsonData: z.strictObject({ password: z.string() }),
    }),
  ]),
})
const Provider = z.object({
  providers: z.tuple([z.object({ type: z.literal('file'), options: z.strictObject({ path: z.string() }) })]),
})

describe('provisioning', () => {
  const { grafana, clickhouse, 'clickhouse-1': replica } = composeFile.services
  const [source] = DataSources.parse(parse(read('provisioning/datasources/understudy.yaml'))).datasources

  test('the data source is the one of the plugin that compose installs, at the release the queries are for', () => {
    expect(source).toMatchObject({ type: PLUGIN_ID, uid: PROVISIONED_UID, jsonData: { version: PLUGIN_VERSION } })
    expect(grafana.environment['GF_PLUGINS_PREINSTALL_SYNC']).toBe(`${PLUGIN_ID}@${PLUGIN_VERSION}`)
  })

  test('the data source is the ClickHouse of compose, as a user that its files make', () => {
    expect(source.jsonData.port).toBe(publishedPort(clickhouse.ports[0] ?? '').target)
    const users = 'config/clickhouse-server/users.d/grafana.xml'
    const xml = readFileSync(join(DASHBOARDS, '..', users), 'utf8')
    expect(xml).toContain(`<${source.jsonData.username}>`)
    const databases = new Set([...xml.matchAll(/ ON (\w+)\./g)].map(([, database]) => database))
    expect(databases).toEqual(new Set([source.jsonData.defaultDatabase]))
    const [, variable = ''] = /from_env="(\w+)"/.exec(xml) ?? []
    for (const server of [clickhouse, replica]) {
      expect(server.volumes.map(mount).map(({ source: path }) => path)).toContain(`./${users}`)
      expect(server.environment[variable]).toBe(grafana.environment['CLICKHOUSE_PASSWORD'])
    }
    expect(grafana.environment['CLICKHOUSE_PASSWORD']).not.toBe(clickhouse.environment['CLICKHOUSE_PASSWORD'])
  })

  test('every variable of the data source is in the environment of Grafana', () => {
    const wanted = [...JSON.stringify(source).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    expect(wanted).toEqual(['CLICKHOUSE_HOST', 'CLICKHOUSE_PASSWORD'])
    expect(wanted.filter((name) => !(name in grafana.environment))).toEqual([])
    expect(grafana.environment['CLICKHOUSE_HOST']).toBe('${CLICKHOUSE_HOST:-clickhouse}')
  })

  test('Grafana finds provisioning and dashboards where they are mounted', () => {
    const mounts = grafana.volumes.map(mount)
    const [{ options }] = Provider.parse(parse(read('provisioning/dashboards/understudy.yaml'))).providers
    expect(mounts).toContainEqual({ source: './dashboards/json', target: options.path, isReadOnly: true })
    expect(mounts).toContainEqual({
      source: './dashboards/provisioning',
      target: '/etc/grafana/provisioning',
      isReadOnly: true,
    })
  })

  test('whoever looks without signing in may only look', () => {
    expect(grafana.environment['GF_AUTH_ANONYMOUS_ORG_ROLE']).toBe('Viewer')
    const [port = ''] = grafana.ports
    expect(grafana.environment).toMatchObject({
      GF_SERVER_ENFORCE_DOMAIN: 'true',
      GF_SERVER_DOMAIN: publishedPort(port).host,
    })
    expect(grafana.environment['GF_SECURITY_ADMIN_PASSWORD']).toMatch(/^\$\{GRAFANA_PASSWORD:\?/)
  })
})

describe('provisioning for a Grafana on the laptop', () => {
  const [source] = DataSources.parse(parse(read('laptop/datasources/understudy.yaml'))).datasources

  test('the data source is the embedded ClickHouse, as its user who may only read', () => {
    expect(source).toMatchObject({ type: PLUGIN_ID, uid: PROVISIONED_UID, jsonData: { version: PLUGIN_VERSION } })
    expect(source.jsonData).toMatchObject({ host: '127.0.0.1', port: 8123, username: 'ro' })
    const example = parse(read('../config/understudy.example.yaml'))
    expect(example.store).toMatchObject({ kind: 'embedded', port: source.jsonData.port })
    expect(source.secureJsonData.password).toMatch(/^\$[A-Z_]+$/)
  })

  test('the plugin asks for no more time than the engine grants that user', () => {
    const users = usersConfigXml({
      port: 0,
      dir: '',
      maxMemoryBytes: 1,
      maxThreads: 2,
      database: 'understudy',
      appPassword: 'a',
      roPassword: 'r',
    })
    const most = Number(/<max_execution_time><min>[\d.]+<\/min><max>(\d+)/.exec(users)?.[1])
    // clickhouse-go sets max_execution_time to what is left of the time-out, and five seconds.
    expect(Number(source.jsonData.queryTimeout) + 5).toBeLessThanOrEqual(most)
  })

  test('the dashboards are those of this repository', () => {
    const [{ options }] = Provider.parse(parse(read('laptop/dashboards/understudy.yaml'))).providers
    expect(options.path).toBe('$UNDERSTUDY_DIR/dashboards/json')
    const head = read('laptop/datasources/understudy.yaml')
    for (const name of ['UNDERSTUDY_DIR', 'UNDERSTUDY_RO_PASSWORD']) expect(head).toContain(`${name}="$`)
    expect(head).toContain(`${PLUGIN_ID} ${PLUGIN_VERSION}`)
  })
})

describe('alert rules', () => {
  const Rules = z.object({
    groups: z.tuple([
      z.object({
        rules: z.array(
          z.object({
            uid: z.string().regex(/^[\w-]{1,40}$/),
            title: z.string(),
            condition: z.string(),
            keepFiringFor: z.string(),
            execErrState: z.string(),
            annotations: z.object({ summary: z.string() }),
            data: z.array(z.object({ refId: z.string(), datasourceUid: z.string(), model: z.looseObject({}) })),
          }),
        ),
      }),
    ]),
  })
  const [{ rules }] = Rules.parse(parse(read('provisioning/alerting/understudy.yaml'))).groups

  test('each has a uid of its own, and a condition that is one of its queries', () => {
    expect(rules.length).toBeGreaterThan(3)
    expect(new Set(rules.map(({ uid }) => uid)).size).toBe(rules.length)
    for (const { condition, data } of rules) expect(data.map(({ refId }) => refId)).toContain(condition)
  })

  test('a threshold that is crossed to and fro is one alarm, and so is a ClickHouse that does not answer', () => {
    expect(new Set(rules.map(({ keepFiringFor }) => keepFiringFor))).toEqual(new Set(['10m']))
    const failing = rules.filter(({ execErrState }) => execErrState !== 'KeepLast')
    expect(failing.map(({ uid, execErrState }) => [uid, execErrState])).toEqual([['understudy-silence', 'Error']])
  })

  test('each asks the data source that is provisioned, or Grafana itself', () => {
    const asked = new Set(rules.flatMap(({ data }) => data.map(({ datasourceUid }) => datasourceUid)))
    expect(asked).toEqual(new Set([PROVISIONED_UID, '__expr__']))
  })

  test('each summary names only labels that its query gives', () => {
    for (const { annotations, data } of rules) {
      const labels = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, name = '']) => name)
      const sql = String(data[0]?.model['rawSql'])
      expect(labels.filter((name) => !new RegExp(`SELECT .*\\b${name}\\b`).test(sql))).toEqual([])
    }
  })
})
