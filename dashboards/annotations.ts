import { AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { PALETTE } from './palette.ts'
import { clickHouseQuery, ENVIRONMENT } from './query.ts'

const journal = (table: string): string => `
SELECT at AS time, concat(kind, ': ', subject) AS text, actor AS tags
FROM ${table}
WHERE $__timeFilter(at)
ORDER BY time
LIMIT 500`

/** What changed and when, over every panel of time: policies, live changes, rollouts, weights. */
const MARKS = [
  {
    name: 'Policies',
    colour: PALETTE.grey,
    // A policy comes into force on every proxy: the first one is the mark.
    sql: `
SELECT min(applied_at) AS time, concat('policy ', version) AS text, 'policy' AS tags
FROM policy_versions
WHERE $__timeFilter(applied_at)
GROUP BY version
ORDER BY time
LIMIT 500`,
  },
  { name: 'Live changes', colour: PALETTE.purple, sql: journal('config_changes') },
  { name: 'Rollout events', colour: PALETTE.orange, sql: journal('rollout_events') },
  { name: 'Weight decisions', colour: PALETTE.sky, sql: journal('weight_decisions') },
] as const

/** The marks as Grafana asks for them. */
export function annotations(): AnnotationQueryBuilder[] {
  return MARKS.map(({ name, colour, sql }) => {
    const annotation = new AnnotationQueryBuilder().name(name).datasource(ENVIRONMENT).enable(true).iconColor(colour)
    return annotation.target(clickHouseQuery(sql, 'table', { refId: 'Marks' }))
  })
}
