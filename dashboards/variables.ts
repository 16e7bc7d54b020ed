import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { ENVIRONMENT, PLUGIN_ID } from './query.ts'

/** Values of the last week and no more: a list of everything that ever was is of no use, and slow. */
const QUERIES = {
  route: { label: 'Route', column: 'route', table: 'traces_1h', time: 'hour' },
  task: { label: 'Task', column: 'task', table: 'traces_1h', time: 'hour' },
  model: { label: 'Model', column: 'model', table: 'attempts_1h', time: 'hour' },
  team: { label: 'Team', column: 'team', table: 'attempts', time: 'started_at' },
} as const

export type VariableName = keyof typeof QUERIES

/** Which ClickHouse, then what to keep of it; everything at first. */
export function variables(
  names: readonly VariableName[],
): (dashboard.DatasourceVariableBuilder | dashboard.QueryVariableBuilder)[] {
  const environment = new dashboard.DatasourceVariableBuilder('environment')
    .label('Environment')
    .description('ClickHouse data source: one per environment.')
    .type(PLUGIN_ID)
  return [environment, ...names.map(listed)]
}

function listed(name: VariableName): dashboard.QueryVariableBuilder {
  const { label, column, table, time } = QUERIES[name]
  // An empty one alone would be taken for All.
  const sql = `SELECT DISTINCT ${column} FROM ${table} WHERE ${time} > now() - INTERVAL 7 DAY AND ${column} != '' ORDER BY ${column} LIMIT 1000`
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(`${label}s of the last 7 days.`)
    .datasource(ENVIRONMENT)
    .query({ refId: name, queryType: 'sql', rawSql: sql })
    .definition(sql)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}
