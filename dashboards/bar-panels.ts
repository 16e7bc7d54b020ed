import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as BarChartBuilder } from '@grafana/grafana-foundation-sdk/barchart'
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge'
import { groupedBy } from './matrix-panel.ts'
import {
  bottomLegend,
  fixedColour,
  NO_VALUE,
  PANEL_HEIGHT,
  type PanelText,
  type PlacedLater,
  type UnitName,
} from './panel.ts'
import { PALETTE, SERIES_COLOURS } from './palette.ts'
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
 * order. A series begins with its number and a space, which gives it its colour: columns of a matrix have no labels.
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
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(PALETTE.grey))
    .transformations(groupedBy('Range', 'Series', 'Share'))
  for (const [at, colour] of SERIES_COLOURS.entries()) {
    const numbers = [0, 1, 2].map((round) => at + 1 + round * SERIES_COLOURS.length)
    builder.overrideByRegexp(`/^(${numbers.join('|')}) /`, [{ id: 'color', value: fixedColour(colour) }])
  }
  return { width: spec.width, height: spec.height ?? PANEL_HEIGHT, panel: builder.build() }
}
