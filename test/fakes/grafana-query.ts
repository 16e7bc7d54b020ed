/**
 * What Grafana and its ClickHouse plugin (4.20) make of a query before ClickHouse sees it. First the browser:
 * $__conditionalAll, then variables. Then the back end: macros. Facts from src/data/CHDatasource.ts and
 * pkg/macros/macros.go of grafana/clickhouse-datasource, and from Grafana's own format `singlequote`.
 */
export type GrafanaWindow = {
  readonly from: Date
  readonly to: Date
  /** What one point of the panel stands for. */
  readonly intervalMs: number
}
/** Chosen values by variable; `all` is Grafana's All. */
export type Choices = Readonly<Record<string, readonly string[] | 'all'>>

/** All of everything, and one of what has no All, as `insertTraffic` and `insertEvidence` have them. */
export const EVERYTHING: Choices = {
  route: 'all',
  task: 'all',
  model: 'all',
  team: 'all',
  shadow: 'all',
  rollout: ['cheaper-chat'],
  one_task: ['coding'],
  evaluator: ['judge'],
  baseline: ['gpt-large'],
  trace: ['01a1f9b1-5f70-7000-8000-000000000001'],
}

/** The SQL that a panel sends. Throws on a macro or a variable that nobody would expand. */
export function asGrafanaSends(sql: string, window: GrafanaWindow, choices: Choices): string {
  return asAlertSends(withVariables(withConditions(sql, choices), choices), window)
}

/** The SQL that an alert rule sends: no browser, so no variables. */
export function asAlertSends(sql: string, window: GrafanaWindow): string {
  const expanded = withMacros(sql, window)
  const left = /\$\w+|\$\{\w+/.exec(expanded)
  if (left !== null) throw new Error(`nobody expands ${left[0]} in: ${sql}`)
  return expanded
}

/** The text between the bracket at `open` and the one that closes it, at its commas of that depth. */
function argumentsAt(sql: string, open: number): { readonly parts: readonly string[]; readonly end: number } {
  const parts: string[] = []
  let depth = 0
  let start = open + 1
  for (let at = open; at < sql.length; at++) {
    const letter = sql[at]
    if (letter === '(') depth++
    if (letter === ')') depth--
    if ((letter === ',' && depth === 1) || depth === 0) {
      parts.push(sql.slice(start, at))
      start = at + 1
    }
    if (depth === 0) return { parts, end: at + 1 }
  }
  throw new Error(`a bracket is not closed in: ${sql}`)
}

function withConditions(sql: string, choices: Choices): string {
  const macro = '$__conditionalAll('
  const at = sql.lastIndexOf(macro)
  if (at === -1) return sql
  const { parts, end } = argumentsAt(sql, at + macro.length - 1)
  const [phrase = '', variable = ''] = parts
  const chosen = choices[/\$\{?(\w+)/.exec(variable)?.[1] ?? '']
  const isAll = chosen === 'all' || chosen?.toString() === ''
  return withConditions(sql.slice(0, at) + (isAll ? '1=1' : phrase) + sql.slice(end), choices)
}

const withVariables = (sql: string, choices: Choices): string =>
  sql.replace(/\$\{(\w+):singlequote\}/g, (whole, name: string) => {
    const chosen = choices[name]
    if (chosen === undefined || chosen === 'all') return whole
    return chosen.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(',')
  })

function withMacros(sql: string, window: GrafanaWindow): string {
  const found = /\$__(\w+)/.exec(sql)
  if (found === null) return sql
  const [text, name = ''] = found
  const after = found.index + text.length
  const { parts, end } = sql[after] === '(' ? argumentsAt(sql, after) : { parts: [], end: after }
  const expanded = expandedMacro(
    name,
    parts.map((part) => part.trim()),
    window,
  )
  return sql.slice(0, found.index) + expanded + withMacros(sql.slice(end), window)
}

const asDateTime = (at: Date): string => `toDateTime(${Math.floor(at.getTime() / 1000)})`
const asDateTime64 = (at: Date): string => `fromUnixTimestamp64Milli(${at.getTime()})`

/** A macro that the plugin does not know stays as it is, as there. */
function expandedMacro(name: string, args: readonly string[], { from, to, intervalMs }: GrafanaWindow): string {
  const [column = ''] = args
  const seconds = Math.max(1, Math.floor(intervalMs / 1000))
  switch (name) {
    case 'timeFilter':
      return `${column} >= ${asDateTime(from)} AND ${column} <= ${asDateTime(to)}`
    case 'timeFilter_ms':
      return `${column} >= ${asDateTime64(from)} AND ${column} <= ${asDateTime64(to)}`
    case 'timeInterval':
      return `toStartOfInterval(toDateTime(${column}), INTERVAL ${seconds} second)`
    case 'fromTime':
      return asDateTime(from)
    case 'toTime':
      return asDateTime(to)
    case 'interval_s':
      return String(seconds)
    default:
      return `$__${name}${args.length === 0 ? '' : `(${args.join(', ')})`}`
  }
}
