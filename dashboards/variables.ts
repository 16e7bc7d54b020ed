import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { ENVIRONMENT, PLUGIN_ID } from './query.ts'

type Listed = { readonly label: string; readonly sql: string; readonly isOne?: true }

/** Values of the last week and no more: a list of everything that ever was is of no use, and slow. */
const week = (column: string, table: string, time: string, which = `${column} != ''`): string =>
  // An empty one alone would be taken for All.
  `SELECT DISTINCT ${column} FROM ${table} WHERE ${time} > now() - INTERVAL 7 DAY AND ${which} ORDER BY ${column} LIMIT 1000`

const TASK = { label: 'Task', sql: week('task', 'traces_1h', 'hour') }

const LISTED = {
  route: { label: 'Route', sql: week('route', 'traces_1h', 'hour') },
  task: TASK,
  one_task: { ...TASK, isOne: true },
  model: { label: 'Model', sql: week('model', 'attempts_1h', 'hour') },
  team: { label: 'Team', sql: week('team', 'attempts', 'started_at') },
  shadow: { label: 'Shadow', sql: week('shadow', 'shadow_funnel', 'minute', "NOT startsWith(shadow, 'audit:')") },
  rollout: {
    label: 'Rollout',
    // The one that something happened to last.
    sql: 'SELECT name FROM rollout_events GROUP BY name ORDER BY max(rollout_events.at) DESC, name LIMIT 1000',
    isOne: true,
  },
  evaluator: {
    label: 'Scored by',
    // The judge first, since the others say one thing each.
    sql: `SELECT evaluator FROM scores WHERE trace_at > now() - INTERVAL 7 DAY GROUP BY evaluator ORDER BY countIf(source = 'judge') DESC, count() DESC LIMIT 100`,
    isOne: true,
  },
  baseline: {
    label: 'Baseline',
    // What most of the money goes to.
    sql: `SELECT model FROM attempts_1h WHERE hour > now() - INTERVAL 7 DAY AND model != '' AND role = 'primary' GROUP BY model ORDER BY sum(cost_usd) DESC, model LIMIT 100`,
    isOne: true,
  },
} as const satisfies Readonly<Record<string, Listed>>

export type VariableName = keyof typeof LISTED | 'trace'
type Built = dashboard.DatasourceVariableBuilder | dashboard.QueryVariableBuilder | dashboard.TextBoxVariableBuilder

/** Which ClickHouse, then what to keep of it; everything at first. */
export function variables(names: readonly VariableName[]): Built[] {
  const environment = new dashboard.DatasourceVariableBuilder('environment')
    .label('Environment')
    .description('ClickHouse data source: one per environment.')
    .type(PLUGIN_ID)
  return [environment, ...names.map((name) => (name === 'trace' ? traceId() : listed(name, LISTED[name])))]
}

function listed(name: VariableName, { label, sql, isOne }: Listed): Built {
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(isOne === true ? `${label} to look at.` : `${label}s of the last 7 days.`)
    .datasource(ENVIRONMENT)
    .query({ refId: name, queryType: 'sql', rawSql: sql })
    .definition(sql)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .multi(isOne !== true)
    .includeAll(isOne !== true)
  return isOne === true ? builder : builder.current({ selected: true, text: ['All'], value: ['$__all'] })
}

function traceId(): Built {
  return new dashboard.TextBoxVariableBuilder('trace')
    .label('Trace')
    .description('Trace id, as x-understudy-trace-id tells it.')
    .defaultValue('')
}
