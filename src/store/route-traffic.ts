import { identifier, type Query } from './client.ts'
import { parseAs } from './columns.ts'

/** Traffic of a route in the last `days`, as `estimate` needs it. */
export type RouteTraffic = {
  readonly requests: number
  readonly units: number
  readonly hasUnits: boolean
  readonly failed: number
  /** Of how many hours there is traffic: fewer than asked for on a young deployment. */
  readonly hours: number
}

export function routeTrafficQuery(database: string, route: string, days: number): Query<RouteTraffic> {
  const parse = parseAs({ requests: 'number', units: 'number', keyed: 'number', failed: 'number', hours: 'number' })
  return {
    name: 'route_traffic',
    sql: `SELECT count() AS requests, uniqExact(if(unit = '', toString(trace_id), unit)) AS units,
        countIf(unit_source NOT IN ('', 'none')) AS keyed,
        countIf(outcome NOT IN ('completed', 'cancelled')) AS failed,
        greatest(1, dateDiff('hour', min(received_at), now64(3))) AS hours
      FROM ${identifier(database)}.traces
      WHERE route = {route:String} AND received_at >= now64(3) - toIntervalDay({days:UInt32}) SETTINGS output_format_json_quote_64bit_integers = 0`,
    params: { route, days },
    parse: (row) => {
      const { requests, units, keyed, failed, hours } = parse(row)
      return { requests, units, hasUnits: keyed * 2 >= requests, failed, hours }
    },
  }
}
