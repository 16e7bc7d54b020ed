import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALERTS } from '../../dashboards/alerts.ts'
import { BOARDS } from '../../dashboards/files.ts'
import { SERIES_COLOURS } from '../../dashboards/palette.ts'
import type { StoreClient, Table } from '../../src/store/client.ts'
import { differingPanels } from '../fakes/compare-panels.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { boardFile, type PanelFile } from '../fakes/dashboard-file.ts'
import { DASHBOARD_CASES, insertCases } from '../fakes/dashboard-cases.ts'
import { PANEL_REFERENCES } from '../fakes/panel-references.ts'
import { cell } from '../pictures/shown-frame.ts'
import { asAlertSends, asGrafanaSends, EVERYTHING, type GrafanaWindow } from '../fakes/grafana-query.ts'

const DAY_SECONDS = 86_400
const END = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000)
const WINDOW: GrafanaWindow = { from: new Date(END.getTime() - DAY_SECONDS * 1000), to: END, intervalMs: 300_000 }

const boards = Object.keys(BOARDS).map((name) => boardFile(name))
const panels = boards.flatMap(({ uid, panels: all }) =>
  all.map((panel): readonly [string, PanelFile] => [`${uid}: ${panel.title}`, panel]),
)
const panelOf = (uid: string, title: string): PanelFile => {
  const found = panels.find(([name]) => name === `understudy-${uid}: ${title}`)
  if (found === undefined) throw new Error(`no panel ${title} on ${uid}`)
  return found[1]
}

const NUMBER = /^(Nullable\()?(U?Int\d+|Float\d+)\)?$/
const TEXT = /^(LowCardinality\()?String\)?$/
const TIME = /^DateTime/

const DATABASES = ['empty', ...Object.keys(DASHBOARD_CASES)]

describe('what the dashboards ask', () => {
  let engine: TestEngine
  const clients = new Map<string, StoreClient>()
  beforeAll(async () => {
    engine = await startTestEngine()
    for (const database of DATABASES) clients.set(database, await engine.migrated(database))
    await insertCases(clients, END)
  })
  afterAll(() => engine.close())

  const ask = async (database: string, sql: string): Promise<Table> => {
    const client = clients.get(database)
    if (client === undefined) throw new Error(`no database ${database}`)
    return client.ask(sql, { settings: { output_format_json_quote_64bit_integers: 0 }, maxBytes: 50_000_000 })
  }
  const show = (database: string, panel: PanelFile, choices = EVERYTHING): Promise<Table> =>
    ask(database, asGrafanaSends(panel.targets[0].rawSql, WINDOW, choices))
  const number = async (database: string, panel: PanelFile, choices = EVERYTHING): Promise<unknown> =>
    (await show(database, panel, choices)).rows[0]?.[0]

  describe.each(DATABASES)('of traffic that is %s', (database) => {
    test.each(panels.filter(([, { type }]) => type === 'stat'))('%s is one number', async (_name, panel) => {
      const { columns, rows } = await show(database, panel)
      expect(columns.map(({ type }) => type)).toEqual([expect.stringMatching(NUMBER)])
      expect(rows).toHaveLength(1)
      expect([null, 'number']).toContain(rows[0]?.[0] === null ? null : typeof rows[0]?.[0])
    })

    test.each(panels.filter(([, { type }]) => type === 'timeseries'))(
      '%s is numbers by time, in time order, never the same point twice',
      async (_name, panel) => {
        const { columns, rows } = await show(database, panel)
        const [time, ...others] = columns
        expect(time).toEqual({ name: 'time', type: expect.stringMatching(TIME) })
        const isGrouped = others[0]?.name === 'series'
        const values = isGrouped ? others.slice(2) : others
        expect(values.filter(({ type }) => !NUMBER.test(type))).toEqual([])
        const labels = isGrouped ? others.slice(0, 2) : []
        expect(labels.map(({ name }) => name)).toEqual(isGrouped ? ['series', 'colour'] : [])
        expect(labels.filter(({ type }) => !TEXT.test(type))).toEqual([])
        const coloured = panel.fieldConfig.overrides.map(({ matcher }) => matcher.options)
        const bySeries = SERIES_COLOURS.map((colour) => `/colour="${colour}"/`)
        expect(coloured).toEqual(isGrouped ? bySeries : values.map(({ name }) => name))
        // A series has one colour, and as long as there are enough of them each has its own.
        const given = new Set(isGrouped ? rows.map(([, series, colour]) => JSON.stringify([series, colour])) : [])
        const seriesCount = new Set(isGrouped ? rows.map(([, series]) => series) : []).size
        expect(given.size).toBe(seriesCount)
        const used = new Set(isGrouped ? rows.map(([, , colour]) => colour) : [])
        expect(used.size).toBe(Math.min(seriesCount, SERIES_COLOURS.length))
        const points = rows.map((row) => JSON.stringify(row.slice(0, isGrouped ? 2 : 1)))
        expect(new Set(points).size).toBe(points.length)
        const times = rows.map((row) => JSON.stringify(row[0]))
        expect(times).toEqual(times.toSorted())
        expect(rows.flat().filter((value) => value === '')).toEqual([])
      },
    )

    test.each(panels.filter(([, { type }]) => type === 'bargauge'))('%s is a number by name', async (_name, panel) => {
      const { columns, rows } = await show(database, panel)
      expect(columns.map(({ type }) => type)).toEqual([expect.stringMatching(TEXT), expect.stringMatching(NUMBER)])
      expect(rows.length).toBeLessThanOrEqual(10)
      expect(new Set(rows.map(([label]) => label)).size).toBe(rows.length)
    })

    test.each(panels.filter(([, { transformations }]) => transformations !== undefined))(
      '%s has one number for each row and column of its matrix',
      async (_name, panel) => {
        const { columns, rows } = await show(database, panel)
        const grouping = panel.transformations?.find(({ id }) => id === 'groupingToMatrix')?.options
        expect(grouping).toMatchObject({
          rowField: columns[0]?.name,
          columnField: columns[1]?.name,
          valueField: columns[2]?.name,
        })
        expect(columns.map(({ type }) => type)).toEqual([
          expect.stringMatching(TEXT),
          expect.stringMatching(TEXT),
          expect.stringMatching(NUMBER),
        ])
        expect(new Set(rows.map((row) => JSON.stringify(row.slice(0, 2)))).size).toBe(rows.length)
      },
    )

    test.each(panels.filter(([, { type, transformations }]) => type === 'table' && transformations === undefined))(
      '%s has the columns that it gives units to, and no number without one',
      async (_name, panel) => {
        const { columns, rows } = await show(database, panel)
        const united = panel.fieldConfig.overrides
          .filter(({ properties }) => properties.some(({ id }) => id === 'unit'))
          .map(({ matcher }) => matcher.options)
        const needing = columns.filter(({ type }) => !TEXT.test(type)).map(({ name }) => name)
        expect(united.toSorted()).toEqual(needing.toSorted())
        expect(columns.filter(({ name }) => !/^[A-Z0-9]/.test(name))).toEqual([])
        const sized = panel.fieldConfig.overrides.map(({ matcher }) => matcher.options)
        expect(sized.filter((name) => !columns.some((column) => column.name === name))).toEqual([])
        expect(rows.length).toBeLessThanOrEqual(100)
      },
    )

    test.each(boards.flatMap(({ uid, templating }) => templating.list.map((variable) => [uid, variable] as const)))(
      'the list of a variable of %s is text',
      async (_uid, { query }) => {
        const sql = typeof query === 'string' ? "SELECT 'of Grafana'" : query.rawSql
        const { columns } = await ask(database, asAlertSends(sql, WINDOW))
        expect(columns.map(({ type }) => type)).toEqual([expect.stringMatching(TEXT)])
      },
    )

    test('the marks are a time and texts', async () => {
      for (const { target } of boards[0]?.annotations.list ?? []) {
        const { columns } = await ask(database, asAlertSends(target.rawSql, WINDOW))
        expect(columns.map(({ name }) => name)).toEqual(['time', 'text', 'tags'])
        expect(columns[0]?.type).toMatch(TIME)
      }
    })

    test.each(ALERTS)('alert rule $uid is one number beside texts', async ({ sql, windowSeconds }) => {
      const from = new Date(END.getTime() - windowSeconds * 1000)
      const { columns } = await ask(database, asAlertSends(sql, { from, to: END, intervalMs: 60_000 }))
      expect(columns.filter(({ type }) => NUMBER.test(type))).toHaveLength(1)
      expect(columns.filter(({ type }) => !NUMBER.test(type) && !TEXT.test(type))).toEqual([])
    })
  })

  test('every panel of busy traffic has something to show', async () => {
    const unfilled: string[] = []
    for (const [name, panel] of panels) {
      const { rows } = await show('busy', panel)
      if (!rows.flat().some((value) => value !== null)) unfilled.push(name)
    }
    // It shows the request that is asked for.
    expect(unfilled.filter((name) => !name.startsWith('understudy-trace: '))).toEqual([])
  })

  test('spend is to the cent what the rows say, wherever it is shown', async () => {
    const bySql = async (condition: string): Promise<unknown> =>
      (await ask('busy', `SELECT toFloat64(sum(cost_usd)) FROM attempts WHERE ${condition}`)).rows[0]?.[0]
    const clients = await bySql("role IN ('primary', 'fallback', 'cascade')")
    expect(clients).toBeGreaterThan(10)
    expect(await number('busy', panelOf('cost', 'For clients'))).toBeCloseTo(Number(clients), 6)
    expect(await number('busy', panelOf('cost', 'Shadows'))).toBeCloseTo(Number(await bySql("role = 'shadow'")), 6)
    const sumOf = async (title: string, column: string): Promise<number> => {
      const { columns, rows } = await show('busy', panelOf('cost', title))
      const at = columns.findIndex(({ name }) => name === column)
      return rows.reduce((sum, row) => sum + Number(row[at] ?? 0), 0)
    }
    for (const title of ['By model', 'By route', 'By task', 'By team']) {
      expect(await sumOf(title, 'Spend')).toBeCloseTo(Number(clients), 6)
    }
    expect(await sumOf('Spend by model', 'value')).toBeCloseTo(Number(clients), 6)
  })

  test.each(['busy', 'empty', 'unpriced'])(
    'every panel of %s traffic comes to what is said by hand over the rows',
    async (database) => {
      const client = clients.get(database)
      if (client === undefined) throw new Error(`no database ${database}`)
      const boardNames = Object.keys(BOARDS)
      const { rows } = await ask(database, 'SELECT toString(min(trace_id)) FROM pairs WHERE NOT is_control')
      const choices = { ...EVERYTHING, trace: [String(cell(rows[0]?.[0]))] }
      expect(await differingPanels(client, boardNames, WINDOW, choices)).toEqual([])
    },
  )

  test('every reference is of a panel that there is', () => {
    const named = Object.keys(BOARDS).flatMap((name) => boardFile(name).panels.map(({ title }) => `${name}: ${title}`))
    expect(Object.keys(PANEL_REFERENCES).toSorted()).toEqual(named.toSorted())
  })

  test('spend that nothing is known of is unknown, not zero', async () => {
    for (const database of ['empty', 'unpriced']) {
      expect(await number(database, panelOf('cost', 'For clients'))).toBeNull()
      expect(await number(database, panelOf('overview', 'Spend for clients'))).toBeNull()
    }
    expect(await number('empty', panelOf('cost', 'Forecast for 30 days'))).toBeNull()
    expect(await number('unpriced', panelOf('cost', 'Unpriced calls'), { ...EVERYTHING, model: ['of-no-price'] })).toBe(
      1,
    )
    expect(await number('single', panelOf('cost', 'Unpriced calls'))).toBe(0)
  })

  test('a variable keeps what it names, and All keeps everything', async () => {
    const requests = panelOf('overview', 'Requests')
    expect(await number('busy', requests)).toBe(5000)
    expect(await number('busy', requests, { ...EVERYTHING, route: ['chat'] })).toBe(1667)
    expect(await number('busy', requests, { ...EVERYTHING, route: ['chat', 'support'] })).toBe(5000)
    expect(await number('busy', requests, { ...EVERYTHING, route: ["o'brien"] })).toBe(0)
  })

  const values = async (database: string, uid: string, window = WINDOW): Promise<readonly unknown[]> => {
    const found = ALERTS.find((alert) => alert.uid === uid)
    const { columns, rows } = await ask(database, asAlertSends(found?.sql ?? '', window))
    return rows.map((row) => row[columns.findIndex(({ type }) => NUMBER.test(type))])
  }

  test('what is saved is what pairs with the baseline say, for all calls of the other model', async () => {
    const { columns, rows } = await show('busy', panelOf('overview', 'Saved against the baseline'))
    const shown = (name: string): unknown => rows[0]?.[columns.findIndex((column) => column.name === name)]
    // Only haiku was ever put beside the baseline.
    const { rows: byHand } = await ask(
      'busy',
      `SELECT
        (SELECT count() FROM attempts WHERE model = 'haiku' AND outcome = 'completed' AND role IN ('primary', 'fallback', 'cascade'))
          * avg(toFloat64(stable.cost_usd) - toFloat64(shadow.cost_usd)) AS saved,
        count()
      FROM attempts AS shadow INNER JOIN attempts AS stable ON stable.attempt_id = shadow.pair_id
      WHERE shadow.shadow_arm = 'candidate' AND stable.model = 'gpt-large' AND stable.cost_usd IS NOT NULL AND shadow.cost_usd IS NOT NULL`,
    )
    expect(byHand[0]?.[1]).toBeGreaterThan(50)
    expect(shown('Saved')).toBeCloseTo(Number(byHand[0]?.[0]), 6)
    expect(shown('At least')).toBeLessThan(Number(shown('Saved')))
    expect(shown('At most')).toBeGreaterThan(Number(shown('Saved')))
    expect(shown('Evidence')).toBe('measured')
    const [unbacked] = (await show('unpriced', panelOf('overview', 'Saved against the baseline'))).rows
    expect(unbacked).toContain('not enough evidence')
    expect(unbacked?.slice(-3)).toEqual([null, null, null])
  })

  test('an alert rule fires when quality is low, rows stop coming, or a rollout needs a look', async () => {
    const means = await ask(
      'busy',
      `SELECT avg(value) FROM scores FINAL WHERE source = 'judge' AND task IN ('billing', 'coding', 'extraction') GROUP BY task ORDER BY task`,
    )
    const minima = [0.7, 0.82, 0.88]
    const below = means.rows.map(([mean], at) => (minima[at] ?? 0) - Number(mean))
    const told = (await values('busy', 'understudy-quality')).map(Number).toSorted((one, other) => one - other)
    expect(told).toEqual(below.toSorted((one, other) => one - other).map((each) => expect.closeTo(each, 9)))
    expect(told.at(-1)).toBeGreaterThan(0)

    // Traffic of 22 hours: a day after some of it, and a week after some of it, that is what to expect.
    const expected = async (database: string, hoursLater: number): Promise<unknown> => {
      const to = new Date(END.getTime() + hoursLater * 3_600_000)
      const week = { from: new Date(to.getTime() - (7 * DAY_SECONDS + 600) * 1000), to, intervalMs: 60_000 }
      return (await values(database, 'understudy-silence', week))[0]
    }
    const inTenMinutes = async (to: Date): Promise<unknown> => {
      const at = `fromUnixTimestamp64Milli(${to.getTime()})`
      const sql = `SELECT count() FROM traces WHERE toStartOfMinute(received_at) > ${at} - INTERVAL 10 MINUTE AND toStartOfMinute(received_at) <= ${at}`
      return (await ask('busy', sql)).rows[0]?.[0]
    }
    expect(await expected('busy', 0)).toBe(0)
    const twelveHoursBefore = await inTenMinutes(new Date(END.getTime() - 12 * 3_600_000))
    expect(twelveHoursBefore).toBeGreaterThan(20)
    expect(await expected('busy', 12)).toBe(twelveHoursBefore)
    expect(Number(await expected('busy', 7 * 24 - 12))).toBeGreaterThan(20)
    expect(await expected('empty', 0)).toBe(0)

    expect(await values('single', 'understudy-rollout')).toEqual([])
    await clients.get('single')?.command(
      `INSERT INTO single.rollout_decisions (rollout, decision_id, at, rule, action, because, is_alert)
      SELECT 'cheaper-chat', generateUUIDv7(), fromUnixTimestamp64Milli(${END.getTime() - 1000}), 'harm', 'rollback', ['worse'], 1`,
    )
    expect(await values('single', 'understudy-rollout')).toEqual([1])
    expect((await values('busy', 'understudy-budget')).length).toBe(2)
    for (const hoursBefore of [1, 2, 3]) {
      expect((await values('single', 'understudy-budget-hours')).filter((hours) => hours === 3)).toEqual([])
      await clients.get('single')?.command(
        `INSERT INTO single.attempts (attempt_id, trace_id, started_at, role, shadow, cost_usd)
        SELECT generateUUIDv7(), generateUUIDv7(), fromUnixTimestamp64Milli(${END.getTime() - hoursBefore * 3_600_000}), 'shadow', 'cheaper', 0.46`,
      )
    }
    expect(await values('single', 'understudy-budget-hours')).toContain(3)
    expect((await values('busy', 'understudy-escalations')).map(Number).toSorted((one, other) => one - other)).toEqual([
      0,
      expect.closeTo(0.035, 2),
    ])
  })

  test('an alert rule fires for a process whose rows wait, or whose readings wait among them, until its farewell', async () => {
    const client = clients.get('one')
    const say = async (instance: string, secondsAgo: number, reading: string, value: number): Promise<void> =>
      client?.command(
        `INSERT INTO one.proxy_readings (at, instance, reading, value)
        SELECT fromUnixTimestamp64Milli(${END.getTime() - secondsAgo * 1000}), '${instance}', '${reading}', ${value}`,
      )
    const oldest = 'understudy_spool_oldest_unsent_seconds'
    await say('slow', 20, oldest, 900)
    await say('silent', 700, oldest, 3)
    await say('stopped', 700, oldest, 3)
    await say('stopped', 700, 'stopped', 1)
    await say('again', 700, 'stopped', 1)
    await say('again', 10, oldest, 0.5)
    const alert = ALERTS.find(({ uid }) => uid === 'understudy-spool')
    const window = { from: new Date(END.getTime() - 6 * 3_600_000), to: END, intervalMs: 60_000 }
    const { rows } = await ask('one', asAlertSends(alert?.sql ?? '', window))
    const waiting = Object.fromEntries(rows.map(([instance, seconds]) => [String(cell(instance)), seconds]))
    expect(waiting).toEqual({ 'proxy-1': 1, 'proxy-2': 1, slow: 900, silent: 700, again: 10 })
    expect(await values('empty', 'understudy-spool', window)).toEqual([])
  })

  test('an alert rule fires on traffic that it is about', async () => {
    expect(await values('unpriced', 'understudy-unpriced')).toContain(199)
    expect(new Set(await values('single', 'understudy-unpriced'))).toEqual(new Set([0]))
    expect(await values('empty', 'understudy-failed-requests')).toEqual([])
    const failed = await values('busy', 'understudy-failed-requests')
    expect(failed).toEqual([expect.closeTo(0.02, 2), expect.closeTo(0.02, 2)])
  })
})
