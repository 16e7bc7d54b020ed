import { describe, expect, test } from 'vitest'
import { asAlertSends, asGrafanaSends } from '../fakes/grafana-query.ts'

const WINDOW = {
  from: new Date('2014-11-12T11:45:26.371Z'),
  to: new Date('2015-11-12T11:45:26.371Z'),
  intervalMs: 90_500,
}

describe('a query is expanded as the ClickHouse plugin does it', () => {
  test.each([
    ['$__timeFilter(at)', 'at >= toDateTime(1415792726) AND at <= toDateTime(1447328726)'],
    ['$__timeFilter( a.at )', 'a.at >= toDateTime(1415792726) AND a.at <= toDateTime(1447328726)'],
    [
      '$__timeFilter_ms(at)',
      'at >= fromUnixTimestamp64Milli(1415792726371) AND at <= fromUnixTimestamp64Milli(1447328726371)',
    ],
    ['$__timeInterval(at)', 'toStartOfInterval(toDateTime(at), INTERVAL 90 second)'],
    ['$__timeInterval(f(at, 1))', 'toStartOfInterval(toDateTime(f(at, 1)), INTERVAL 90 second)'],
    ['$__fromTime', 'toDateTime(1415792726)'],
    ['$__toTime - 1', 'toDateTime(1447328726) - 1'],
    ['x * $__interval_s', 'x * 90'],
  ])('%s', (sql, expanded) => {
    expect(asAlertSends(sql, WINDOW)).toBe(expanded)
  })

  test('an interval is never below a second', () => {
    expect(asAlertSends('$__interval_s', { ...WINDOW, intervalMs: 20 })).toBe('1')
  })

  test.each([
    ['all', '1=1'],
    [['a'], "route IN ('a')"],
    [['a', "o'b"], "route IN ('a','o\\'b')"],
    [[''], '1=1'],
  ] as const)('a filter on %j', (chosen, expanded) => {
    const sql = '$__conditionalAll(route IN (${route:singlequote}), $route)'
    expect(asGrafanaSends(sql, WINDOW, { route: chosen })).toBe(expanded)
  })

  test('several filters, each by its own variable', () => {
    const sql =
      '$__conditionalAll(route IN (${route:singlequote}), $route) AND $__conditionalAll(task IN (${task:singlequote}), $task)'
    expect(asGrafanaSends(sql, WINDOW, { route: 'all', task: ['code'] })).toBe("1=1 AND task IN ('code')")
  })

  test.each(['$__timeFilterr(at)', '$route', '${route}', '$__conditionalAll(a IN (${other:singlequote}), $other)'])(
    'what nobody expands is an error: %s',
    (sql) => {
      expect(() => asGrafanaSends(sql, WINDOW, {})).toThrow(/nobody expands/)
    },
  )
})
