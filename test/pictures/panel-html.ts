import type { PanelFile } from '../fakes/dashboard-file.ts'
import { chartData, groupedBars, type Mark, type Shown } from './chart-data.ts'
import { formatValue } from './format-value.ts'
import type { Cell, Field, Frame } from './shown-frame.ts'

/** Height of a small table row in Grafana, in pixels. */
const ROW_HEIGHT = 36
const TEXT = '#ccccdc'
const NOTHING = '<div class="nothing">No data</div>'

/** The inside of a panel, roughly as Grafana draws it; `marks` go over what has time. */
export function panelHtml(panel: PanelFile, frame: Frame, shown: Shown, marks: readonly Mark[]): string {
  const isEmpty = frame.fields.every(({ values }) => values.length === 0)
  switch (panel.type) {
    case 'stat':
      return stats(panel, frame)
    case 'bargauge':
      return isEmpty ? NOTHING : gauges(panel, frame)
    case 'table':
      return isEmpty ? NOTHING : table(panel, frame, shown.to)
    case 'barchart':
      return isEmpty ? NOTHING : chart(panel, groupedBars(panel, frame))
    case 'timeseries':
      return isEmpty ? NOTHING : chart(panel, chartData(panel, frame, shown, marks))
  }
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

/** What the panel says of a column: its defaults, then whatever is overridden by name. */
function configOf({ fieldConfig: { defaults, overrides } }: PanelFile, name: string) {
  const own = overrides.filter(({ matcher }) => matcher.options === name).flatMap(({ properties }) => properties)
  const property = (id: string): unknown => own.find((each) => each.id === id)?.value
  const unit = property('unit')
  const decimals = property('decimals')
  return {
    unit: typeof unit === 'string' ? unit : defaults.unit,
    decimals: typeof decimals === 'number' ? decimals : defaults.decimals,
    isFilled: property('custom.cellOptions') !== undefined || defaults.custom?.cellOptions !== undefined,
    isLink: property('links') !== undefined,
    width: property('custom.width'),
  }
}

function colourOf({ fieldConfig: { defaults } }: PanelFile, value: number): string {
  if (defaults.color?.mode === 'fixed') return defaults.color.fixedColor ?? TEXT
  const steps = defaults.thresholds?.steps ?? []
  return steps.findLast((step) => step.value === null || value >= step.value)?.color ?? TEXT
}

/** Dark on what is light, as Grafana's getTextColorForBackground. */
function textOn(background: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((from) => Number.parseInt(background.slice(from, from + 2), 16))
  return (red * 299 + green * 587 + blue * 114) / 1000 > 130 ? '#202226' : '#f7f8fa'
}

function stats(panel: PanelFile, { fields }: Frame): string {
  const each = fields.map(({ name, values }) => {
    const { unit, decimals } = configOf(panel, name)
    const value = values.findLast((cell) => cell !== null) ?? null
    const colour = typeof value === 'number' ? colourOf(panel, value) : TEXT
    const text = typeof value === 'string' ? value : formatValue(value, unit, decimals)
    return `<div class="stat" style="color:${colour}">${escaped(text)}</div>`
  })
  return `<div class="stats">${each.join('')}</div>`
}

function gauges(panel: PanelFile, { fields }: Frame): string {
  const [names, values] = [fields[0]?.values ?? [], fields[1]?.values ?? []]
  const { unit, decimals } = configOf(panel, fields[1]?.name ?? '')
  const most = panel.fieldConfig.defaults.max ?? Math.max(...values.map(Number), 1e-12)
  const bars = names.map((name, at) => {
    const value = Number(values[at] ?? 0)
    const width = Math.max(0.5, (100 * value) / most)
    return `<div class="gauge"><span class="name">${escaped(String(name))}</span><span class="track"><span style="width:${width}%;background:${colourOf(panel, value)}"></span></span><span class="value" style="color:${colourOf(panel, value)}">${formatValue(value, unit, decimals)}</span></div>`
  })
  return `<div class="gauges">${bars.join('')}</div>`
}

function table(panel: PanelFile, { fields }: Frame, now: Date): string {
  const columns = fields.map((field) => ({ field, config: configOf(panel, field.name) }))
  const isNumeric = ({ values }: Field): boolean => values.some((value) => typeof value === 'number')
  const head = columns.map(({ field, config }) => {
    const width = typeof config.width === 'number' ? ` style="width:${config.width}px"` : ''
    return `<th${width}${isNumeric(field) ? ' class="right"' : ''}>${escaped(field.name)}</th>`
  })
  const rows = (fields[0]?.values ?? []).map((_value, at) => {
    const cells = columns.map(({ field, config }) => {
      const value = field.values[at] ?? null
      const fill =
        config.isFilled && typeof value === 'number'
          ? ` style="background:${colourOf(panel, value)};color:${textOn(colourOf(panel, value))}"`
          : ''
      const kind = `${isNumeric(field) ? 'right' : ''}${config.isLink ? ' link' : ''}`
      return `<td class="${kind}"${fill}>${escaped(cellText(value, config, now))}</td>`
    })
    return `<tr style="height:${ROW_HEIGHT}px">${cells.join('')}</tr>`
  })
  return `<table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function cellText(
  value: Cell,
  { unit, decimals }: { unit?: string | undefined; decimals?: number | undefined },
  now: Date,
) {
  if (value === null || value === '') return '–'
  if (unit === 'dateTimeFromNow') return fromNow(value, now)
  return typeof value === 'number' && unit !== 'string' ? formatValue(value, unit, decimals) : String(value)
}

/** `2 hours ago`, as moment.js says it. */
function fromNow(value: string | number, now: Date): string {
  const at = typeof value === 'number' ? new Date(value * 1000) : new Date(`${value.replace(' ', 'T')}Z`)
  const minutes = Math.round((now.getTime() - at.getTime()) / 60_000)
  if (minutes < 1) return 'a few seconds ago'
  if (minutes < 45) return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`
  const hours = Math.round(minutes / 60)
  if (hours < 22) return hours <= 1 ? 'an hour ago' : `${hours} hours ago`
  const days = Math.round(hours / 24)
  return days <= 1 ? 'a day ago' : `${days} days ago`
}

function chart(panel: PanelFile, data: ReturnType<typeof chartData>): string {
  const legend = data.series.map(
    ({ name, colour }) => `<span><i style="background:${colour}"></i>${escaped(name)}</span>`,
  )
  const isShown = panel.options.legend?.showLegend === true
  return `<div class="chart" data-chart="${escaped(JSON.stringify(data))}"></div>${isShown ? `<div class="legend">${legend.join('')}</div>` : ''}`
}
