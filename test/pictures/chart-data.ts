import type { PanelFile } from '../fakes/dashboard-file.ts'
import type { Field, Frame } from './shown-frame.ts'

/** Something that happened: a line over every panel of time. `at` in seconds since 1970. */
export type Mark = { readonly at: number; readonly colour: string }

/** The time shown. */
export type Shown = { readonly from: Date; readonly to: Date }

/** What the page's script draws. */
export type ChartData = {
  readonly kind: 'lines' | 'steps' | 'stacked' | 'grouped'
  readonly unit: string | undefined
  readonly max: number | undefined
  readonly min: number | undefined
  /** Seconds since 1970, or the place in `labels`. */
  readonly x: readonly number[]
  readonly labels: readonly string[] | undefined
  readonly series: readonly {
    readonly name: string
    readonly colour: string
    readonly values: readonly (number | null)[]
  }[]
  /** Seconds over which a line goes on without a point. */
  readonly spanSeconds: number
  readonly marks: readonly Mark[]
  /** The time shown, in seconds since 1970. */
  readonly range: readonly [number, number] | undefined
  /** Thresholds with a line of their own. */
  readonly lines: readonly { readonly at: number; readonly colour: string }[]
}

/** Lines or stacked bars over time. */
export function chartData(panel: PanelFile, { fields }: Frame, { from, to }: Shown, marks: readonly Mark[]): ChartData {
  const [time, ...others] = fields
  const { drawStyle, spanNulls, lineInterpolation } = panel.fieldConfig.defaults.custom ?? {}
  const lines = lineInterpolation === 'stepAfter' ? 'steps' : 'lines'
  return {
    kind: drawStyle === 'bars' ? 'stacked' : lines,
    ...scaleOf(panel),
    x: (time?.values ?? []).map((at) => secondsOf(String(at))),
    labels: undefined,
    series: colouredSeries(panel, others),
    spanSeconds: typeof spanNulls === 'number' ? spanNulls / 1000 : 0,
    marks,
    range: [from.getTime() / 1000, to.getTime() / 1000],
    lines: linesOf(panel),
  }
}

/** Bars beside each other, over the texts of the first column. */
export function groupedBars(panel: PanelFile, { fields }: Frame): ChartData {
  const [labels, ...others] = fields
  return {
    kind: 'grouped',
    ...scaleOf(panel),
    x: (labels?.values ?? []).map((_label, at) => at),
    labels: (labels?.values ?? []).map(String),
    series: colouredSeries(panel, others),
    spanSeconds: 0,
    marks: [],
    range: undefined,
    lines: [],
  }
}

/** Of a time as ClickHouse writes it in UTC, since 1970. */
export const secondsOf = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`) / 1000

const scaleOf = ({ fieldConfig: { defaults } }: PanelFile) => ({
  unit: defaults.unit,
  max: defaults.max,
  min: defaults.min,
})

function linesOf({ fieldConfig: { defaults } }: PanelFile): ChartData['lines'] {
  if (defaults.custom?.thresholdsStyle === undefined) return []
  const steps = defaults.thresholds?.steps ?? []
  return steps.flatMap(({ value, color }) => (value === null ? [] : [{ at: value, colour: color }]))
}

function colouredSeries(panel: PanelFile, fields: Frame['fields']): ChartData['series'] {
  return fields.map((field) => ({
    name: field.name,
    colour: colourOf(panel, field),
    values: field.values.map((value) => (typeof value === 'number' ? value : null)),
  }))
}

/** The colour of the first override that finds the field, else the panel's own. */
function colourOf({ fieldConfig: { defaults, overrides } }: PanelFile, field: Field): string {
  const found = overrides.find(({ matcher: { id, options } }) =>
    id === 'byName'
      ? options === field.name
      : new RegExp(options.slice(1, -1)).test(field.labels === undefined ? field.name : `value ${field.labels}`),
  )
  const own = found?.properties.find(({ id }) => id === 'color')
  const fixed = /#[0-9A-F]{6}/i.exec(JSON.stringify(own?.value ?? ''))?.[0]
  if (fixed !== undefined) return fixed
  return defaults.color?.fixedColor ?? '#8C8C8C'
}
