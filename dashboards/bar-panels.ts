import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as BarChartBuilder } from '@grafana/grafana-foundation-sdk/barchart'
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge'
import { groupedBy } from './matrix-panel.ts'
import {
  bottomLegend,
  NO_VALUE,
  PANEL_HEIGHT,
  type PanelText,
  type PlacedLater,
  shadesOf,
  type UnitName,
} from './panel.ts'
import { PALETTE } from './palette.ts'
import { clickHouseQuery, ENVIRONMENT } from './query.ts'

/** One bar for each row: the query gives a text and a number. */
export function bars(spec: PanelText & { readonly unit: UnitName; readonly max?: number }): PlacedLater {
  const builder = new BarGaugeBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(ENVIRONMENT)
    .withTarget(clickHouseQuery(spec.sql, 'table'))
    .unit(spec.unit)
    .min(0)
    .noValue(NO_VALUE)
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .showUnfilled(true)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs([]).fields('').values(true))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(PALETTE.blue))
  if (spec.max !== undefined) builder.max(spec.max)
  return { width: spec.width, height: spec.height ?? PANEL_HEIGHT, panel: builder.build() }
}

/**
 * How something is spread, side by side: the query gives the columns "Range", "Series" and "Share", the ranges in their
 * order.
 */
export function distribution(spec: PanelText): PlacedLater {
  const builder = new BarChartBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(ENVIRONMENT)
    .withTarget(clickHouseQuery(spec.sql, 'table'))
    .unit('percentunit')
    .decimals(0)
    .min(0)
    .noValue(NO_VALUE)
    .fillOpacity(80)
    .lineWidth(0)
    .orientation(common.VizOrientation.Vertical)
    .legend(bottomLegend())
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.None))
    .colorScheme(shadesOf(PALETTE.blue))
    .transformations(groupedBy('Range', 'Series', 'Share'))
  return { width: spec.width, height: spec.height ?? PANEL_HEIGHT, panel: builder.build() }
}
