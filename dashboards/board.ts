import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { annotations } from './annotations.ts'
import type { PlacedLater } from './panel.ts'
import { variables, type VariableName } from './variables.ts'

export type BoardSpec = {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly VariableName[]
  /** Rows from top to bottom; the panels of one are as high as each other and fill 24 columns. */
  readonly rows: readonly (readonly PlacedLater[])[]
}

/** A dashboard with every panel in its place. Ids count up from 1: without them, links to a panel would not last. */
export function board(spec: BoardSpec): dashboard.Dashboard {
  const built = new dashboard.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['understudy'])
    .time({ from: 'now-24h', to: 'now' })
    .timezone('browser')
    .refresh('1m')
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .variables(variables(spec.variables))
    .annotations(annotations())
    .link(
      new dashboard.DashboardLinkBuilder('Understudy')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['understudy'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .build()
  return { ...built, panels: placed(spec.rows) }
}

function placed(rows: BoardSpec['rows']): dashboard.Panel[] {
  const panels: dashboard.Panel[] = []
  let y = 0
  for (const row of rows) {
    let x = 0
    for (const { panel, width, height } of row) {
      panels.push({ ...panel, id: panels.length + 1, gridPos: { x, y, w: width, h: height } })
      x += width
    }
    y += Math.max(0, ...row.map(({ height }) => height))
  }
  return panels
}
