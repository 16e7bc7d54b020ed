import type { PanelFile } from '../fakes/dashboard-file.ts'
import type { Frame } from './shown-frame.ts'

/** Something that happened: a line over every panel of time. `at` in seconds since 1970. */
export type Mark = { readonly at: number; readonly colour: string }

/** The time shown. */
export type Shown = { readonly from: Date; readonly to: Date }

/** What the page's script draws. */
export type ChartData = {
  readonly kind: 'lines' | 'stacked' | 'grouped'
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
  /** A threshold with a line of its own. */
  readonly line: { readonly at: number; readonly colour: string } | undefined
}

/** Lines or stacked bars over time. */
export function chartData(panel: PanelFile, { fields }: Frame, { from, to }: Shown, marks: readonly Mark[]): ChartData {
  const [time, ...others] = fields
  const { drawStyle, spanNulls } = panel.fieldConfig.defaults.custom ?? {}
  return {
    kind: drawStyle === 'bars' ? 'stacked' : 'lines',
    ...scaleOf(panel),
    x: (time?.values ?? []).map((at) => secondsOf(String(at))),
    labels: undefined,
    series: colouredSeries(panel, others),
    spanSeconds: typeof spanNulls === 'number' ? spanNulls / 1000 : 0,
    marks,
    range: [from.getTime() / 1000, to.getTime() / 1000],
    line: lineOf(panel),
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
    line: undefined,
  }
}

/** Of a time as ClickHouse writes it in UTC, since 1970. */
export const secondsOf = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`) / 1000

const scaleOf = ({ fieldConfig: { defaults } }: PanelFile) => ({
  unit: defaults.unit,
  max: defaults.max,
  min: defaults.min,
})

function lineOf({ fieldConfig: { defaults } }: PanelFile): ChartData['line'] {
  if (defaults.custom?.thresholdsStyle === undefined) return undefined
  const step = defaults.thresholds?.steps.find(({ value }) => value !== null)
  return step === undefined ? undefined : { at: step.value ?? 0, colour: step.color }
}

function colouredSeries(panel: PanelFile, fields: Frame['fields']): ChartData['series'] {
  return fields.map(({ name, values }, at) => ({
    name,
    colour: colourOf(panel, name, at),
    values: values.map((value) => (typeof value === 'number' ? value : null)),
  }))
}

/** The colour of the override, else a shade of the panel's own colour: lighter and darker by turns, about as Grafana's. */
function colourOf({ fieldConfig: { defaults, overrides } }: PanelFile, name: string, at: number): string {
  const own = overrides.find(({ matcher }) => matcher.options === name)?.properties.find(({ id }) => id === 'color')
  const fixed = /#[0-9A-F]{6}/i.exec(JSON.stringify(own?.value ?? ''))?.[0]
  if (fixed !== undefined) return fixed
  const base = defaults.color?.fixedColor ?? '#8C8C8C'
  const step = Math.ceil(at / 2) * (at % 2 === 1 ? 18 : -12)
  const channels = [1, 3, 5].map((from) => Number.parseInt(base.slice(from, from + 2), 16))
  return `rgb(${channels.map((channel) => Math.min(255, Math.max(20, Math.round(channel + step * 2.2)))).join(',')})`
}
