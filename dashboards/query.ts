import type { Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common'

/** Id of the data source plugin that speaks to ClickHouse. */
export const PLUGIN_ID = 'grafana-clickhouse-datasource'

/** The plugin's release that the queries were written for; docker-compose.yml installs it. */
export const PLUGIN_VERSION = '4.20.0'

/** `format` of a query, as the plugin's back end numbers it: a time series is made wide, a table stays as it is. */
const FORMATS = { series: 0, table: 1 } as const
export type Format = keyof typeof FORMATS

/** The data source that variable `environment` points at: one ClickHouse per environment. */
export const ENVIRONMENT: DataSourceRef = { type: PLUGIN_ID, uid: '${environment}' }

/** A query in SQL of the ClickHouse plugin. The SDK has no builder for it. */
export function clickHouseQuery(
  sql: string,
  format: Format,
  { refId = 'A', datasource = ENVIRONMENT }: { readonly refId?: string; readonly datasource?: DataSourceRef } = {},
): { readonly build: () => Dataquery } {
  const query = {
    refId,
    datasource,
    pluginVersion: PLUGIN_VERSION,
    editorType: 'sql',
    queryType: format === 'series' ? 'timeseries' : 'table',
    format: FORMATS[format],
    rawSql: sql.trim(),
  }
  return { build: () => ({ ...query, _implementsDataqueryVariant: () => {} }) }
}
