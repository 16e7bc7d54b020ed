import type { Table } from '../../src/store/client.ts'
import type { PanelFile, TransformationFile } from '../fakes/dashboard-file.ts'

/** What a panel's query came to, as Grafana hands it to the panel: columns of equal length. */
export type Frame = { readonly fields: readonly Field[] }
export type Field = {
  readonly name: string
  readonly values: readonly Cell[]
  /** As Grafana writes them, of a series that came by rows; overrides are found by them. */
  readonly labels?: string
}
export type Cell = string | number | null

/** The rows as the plugin and the panel's transformations make them. */
export function shownFrame(panel: PanelFile, table: Table): Frame {
  const rows = table.rows.map((row) => row.map(cell))
  const plain: Frame = {
    fields: table.columns.map(({ name }, at) => ({ name, values: rows.map((row) => row[at] ?? null) })),
  }
  if (panel.type === 'timeseries') return widened(plain)
  return (panel.transformations ?? []).reduce(transformed, plain)
}

function transformed(frame: Frame, { id, options }: TransformationFile): Frame {
  switch (id) {
    case 'groupingToMatrix':
      return matrix(frame, options)
    case 'organize':
      return {
        fields: frame.fields.map(({ name, values }) => ({ name: options.renameByName[name] ?? name, values })),
      }
  }
}

/** A value of the answer as Grafana has it. */
export function cell(value: unknown): Cell {
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

const fieldOf = ({ fields }: Frame, name: string): Field => {
  const found = fields.find((field) => field.name === name)
  if (found === undefined)
    throw new Error(`no column ${name}; there are ${fields.map((field) => field.name).join(', ')}`)
  return found
}

/** A column per series where there is a column `series`; sqlutil.LongToWide of the plugin's SDK. */
function widened(frame: Frame): Frame {
  if (!frame.fields.some(({ name }) => name === 'series')) return frame
  const [time = [], series = [], colours = [], values = []] = ['time', 'series', 'colour', 'value'].map(
    (name) => fieldOf(frame, name).values,
  )
  const colourOf = new Map(series.map((name, at) => [String(name), String(colours[at])]))
  const { fields } = pivot('time', time, series, values)
  return {
    fields: fields.map((field) => {
      const colour = colourOf.get(field.name)
      return colour === undefined ? field : { ...field, labels: `{colour="${colour}", series="${field.name}"}` }
    }),
  }
}

type Grouping = Extract<TransformationFile, { id: 'groupingToMatrix' }>['options']

/** Grafana's `groupingToMatrix`: packages/grafana-data/src/transformations/transformers/groupingToMatrix.ts. */
function matrix(frame: Frame, { columnField, rowField, valueField }: Grouping): Frame {
  const values = [rowField, columnField, valueField].map((name) => fieldOf(frame, name).values)
  return pivot(`${rowField}\\${columnField}`, values[0] ?? [], values[1] ?? [], values[2] ?? [])
}

function pivot(name: string, rows: readonly Cell[], columns: readonly Cell[], values: readonly Cell[]): Frame {
  const cells = new Map(values.map((value, at) => [JSON.stringify([rows[at], columns[at]]), value]))
  const keys = [...new Set(rows)]
  return {
    fields: [
      { name, values: keys },
      ...[...new Set(columns)].map((column) => ({
        name: String(column),
        values: keys.map((key) => cells.get(JSON.stringify([key, column])) ?? null),
      })),
    ],
  }
}
