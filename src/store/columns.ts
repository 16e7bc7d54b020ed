import type { Json, Row } from './client.ts'

/** What a column's values look like in JSON. */
type Kinds = {
  readonly text: string
  readonly number: number
  readonly optionalNumber: number | null
  readonly flag: boolean
  /** Exact, as text (`0.0021`): a JSON number would lose digits. */
  readonly optionalDecimal: string | null
  readonly texts: readonly string[]
  readonly rows: readonly Row[]
  /** Tuples of numbers. */
  readonly lists: readonly (readonly number[])[]
  readonly map: Row
}

/** The columns that a query selects, by name. One list makes the SQL, the type and the check. */
export type Columns = Readonly<Record<string, keyof Kinds>>

/** A row with these columns. Names are the table's own; NULL is null. */
export type RowOf<C extends Columns> = { readonly [Name in keyof C]: Kinds[C[Name]] }

const CHECKS: { readonly [Kind in keyof Kinds]: (value: Json | undefined) => boolean } = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  optionalNumber: (value) => value === null || typeof value === 'number',
  flag: (value) => typeof value === 'boolean',
  optionalDecimal: (value) => value === null || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)),
  texts: (value) => isList(value) && value.every((item) => typeof item === 'string'),
  rows: (value) => isList(value) && value.every(isMap),
  lists: (value) =>
    isList(value) && value.every((item) => isList(item) && item.every((one) => typeof one === 'number')),
  map: (value) => isMap(value),
}

/**
 * A parser of rows that must have these columns. It throws on any other: a query and its columns are written
 * together, so that is a bug and not bad luck.
 */
export function parseAs<const C extends Columns>(columns: C): (row: Row) => RowOf<C> {
  return (row) => {
    if (hasColumns(columns, row)) return row
    const [name, kind] = Object.entries(columns).find(([column, wanted]) => !CHECKS[wanted](row[column])) ?? []
    const found = name === undefined ? 'nothing' : (JSON.stringify(row[name]) ?? 'no such column')
    throw new TypeError(`column ${name}: expected ${kind}, found ${found}`)
  }
}

function hasColumns<C extends Columns>(columns: C, row: Row): row is Row & RowOf<C> {
  return Object.entries(columns).every(([name, kind]) => CHECKS[kind](row[name]))
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isMap(value: Json | undefined): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
