import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as common from '@grafana/grafana-foundation-sdk/common'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { type Colour, PALETTE, SERIES_COLOURS } from './palette.ts'
import { clickHouseQuery, ENVIRONMENT } from './query.ts'

/** Units by their names in Grafana. */
export type UnitName =
  | 'short'
  | 'none'
  | 'currencyUSD'
  | 'percent'
  | 'percentunit'
  | 'ms'
  | 's'
  | 'dateTimeFromNow'
  | 'string'

export type PanelText = {
  readonly title: string
  /** What is counted, and what is not. */
  readonly description: string
  readonly sql: string
  /** Columns of the grid, of 24. */
  readonly width: number
  /** Rows of the grid; those of a row of panels are the same. */
  readonly height?: number
}
export type StatSpec = PanelText & { readonly unit: UnitName; readonly decimals?: number; readonly warnAbove?: number }
export type SeriesSpec = PanelText & {
  readonly unit: UnitName
  readonly draw: 'bars' | 'lines'
  /** Colours by column, for all of them; series that come by rows get theirs by their place in the alphabet. */
  readonly colours?: Readonly<Record<string, Colour>>
  readonly max?: number
  /** 0 unless said otherwise; a difference goes below it, and a score is never near it. */
  readonly min?: number | 'auto'
  /** What one point stands for, at least. A minute is what the rollups hold; of scores there are few in that. */
  readonly interval?: '1m' | '15m'
  /** Values with a line of their own across the panel, from below. */
  readonly lines?: readonly (readonly [at: number, colour: Colour])[]
  /** Values hold until the next one: no slope between them. */
  readonly isStepped?: true
}
export type TableSpec = PanelText & {
  /** By column; one that is not named is text. */
  readonly units: Readonly<Record<string, UnitName>>
  /** Widths in pixels by column; the rest share what is left. */
  readonly widths?: Readonly<Record<string, number>>
  /** Columns of trace ids, which lead to the dashboard of one trace. */
  readonly traces?: readonly string[]
}

/** To the dashboard of one trace, of the same environment and time. */
const TRACE_LINK =
  '/d/understudy-trace/understudy-one-trace?var-trace=${__value.raw}&${environment:queryparam}&${__url_time_range}'

/** A panel without its place and its id. */
export type PlacedLater = { readonly width: number; readonly height: number; readonly panel: Panel }

const STAT_HEIGHT = 4
export const PANEL_HEIGHT = 9
export const NO_VALUE = '–'

/** One number. */
export function stat(spec: StatSpec): PlacedLater {
  const { warnAbove } = spec
  const steps: dashboard.Threshold[] = [{ value: null, color: PALETTE.blue }]
  if (warnAbove !== undefined) steps.push({ value: warnAbove, color: PALETTE.vermilion })
  const builder = new StatBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(ENVIRONMENT)
    .withTarget(clickHouseQuery(spec.sql, 'table'))
    .unit(spec.unit)
    .noValue(NO_VALUE)
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .textMode(common.BigValueTextMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .thresholds(new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
  if (spec.decimals !== undefined) builder.decimals(spec.decimals)
  return { width: spec.width, height: STAT_HEIGHT, panel: builder.build() }
}

/**
 * Something over time. The query gives `time` and either one column per series, or `series` and `value` with one row
 * per series.
 */
export function series(spec: SeriesSpec): PlacedLater {
  const isGrouped = /\bAS series\b/.test(spec.sql)
  const builder = new SeriesBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(ENVIRONMENT)
    .withTarget(clickHouseQuery(isGrouped ? withColours(spec.sql) : spec.sql, 'series'))
    .interval(spec.interval ?? '1m')
    .unit(spec.unit)
    .noValue(NO_VALUE)
    .legend(bottomLegend())
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(PALETTE.grey))
  if (spec.min !== 'auto') builder.min(spec.min ?? 0)
  if (spec.max !== undefined) builder.max(spec.max)
  if (spec.lines !== undefined) {
    const steps = [
      { value: null, color: 'transparent' },
      ...spec.lines.map(([value, colour]) => ({ value, color: PALETTE[colour] })),
    ]
    builder
      .thresholds(new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps))
      .thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed))
  }
  // An override finds a series by its labels only while it has no other name: so the name is given here, and not before.
  for (const colour of isGrouped ? SERIES_COLOURS : []) {
    builder.overrideByRegexp(`/colour="${colour}"/`, [
      { id: 'displayName', value: '${__field.labels.series}' },
      { id: 'color', value: fixedColour(colour) },
    ])
  }
  if (spec.draw === 'bars') {
    builder
      .drawStyle(common.GraphDrawStyle.Bars)
      .fillOpacity(80)
      .lineWidth(0)
      .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'))
  } else {
    // Traffic with pauses has minutes without a point: they are joined across five (of scores, across an hour), not a night.
    builder
      .drawStyle(common.GraphDrawStyle.Line)
      .lineWidth(2)
      .fillOpacity(0)
      .showPoints(common.VisibilityMode.Auto)
      .spanNulls(spec.interval === '15m' ? 3_600_000 : 300_000)
    if (spec.isStepped === true) builder.lineInterpolation(common.LineInterpolation.StepAfter)
  }
  for (const [column, colour] of Object.entries(spec.colours ?? {})) {
    builder.overrideByName(column, [{ id: 'color', value: fixedColour(colour) }])
  }
  return { width: spec.width, height: spec.height ?? PANEL_HEIGHT, panel: builder.build() }
}

/** One colour of the palette, as overrides have it. */
export const fixedColour = (colour: Colour) => ({ mode: 'fixed', fixedColor: PALETTE[colour] })

/** Rows of `time`, `series` and `value` with a colour for each series: Grafana makes a label of it, which overrides find. */
const withColours = (sql: string): string => `
SELECT
    time,
    series,
    [${SERIES_COLOURS.map((colour) => `'${colour}'`).join(', ')}][(dense_rank() OVER (ORDER BY series) - 1) % ${SERIES_COLOURS.length} + 1] AS colour,
    value
FROM (${sql}
)
ORDER BY time, series`

/** Hidden unless asked for. */
export const bottomLegend = (): common.VizLegendOptionsBuilder =>
  new common.VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .calcs([])

/** Rows as they come. */
export function table(spec: TableSpec): PlacedLater {
  const builder = new TableBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(ENVIRONMENT)
    .withTarget(clickHouseQuery(spec.sql, 'table'))
    .noValue(NO_VALUE)
    .showHeader(true)
    .filterable(true)
    .cellHeight(common.TableCellHeight.Sm)
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(PALETTE.blue))
  for (const [column, unit] of Object.entries(spec.units)) {
    builder.overrideByName(column, [{ id: 'unit', value: unit }])
  }
  for (const [column, width] of Object.entries(spec.widths ?? {})) {
    builder.overrideByName(column, [{ id: 'custom.width', value: width }])
  }
  for (const column of spec.traces ?? []) {
    builder.overrideByName(column, [{ id: 'links', value: [{ title: 'Show this trace', url: TRACE_LINK }] }])
  }
  return { width: spec.width, height: spec.height ?? PANEL_HEIGHT, panel: builder.build() }
}
