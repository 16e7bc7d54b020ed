/** A row of a result, by column name. */
export type Row = Readonly<Record<string, unknown>>

/** Reads cells as what they should be; empty where they are something else. */
export type RowReader = {
  readonly text: (column: string) => string
  readonly texts: (column: string) => readonly string[]
  readonly rows: (column: string) => readonly RowReader[]
}

export function rowReader(row: Row): RowReader {
  const list = (column: string): readonly unknown[] => {
    const value = row[column]
    return Array.isArray(value) ? value : []
  }
  return {
    text: (column) => (typeof row[column] === 'string' ? row[column] : ''),
    texts: (column) => list(column).filter((item) => typeof item === 'string'),
    rows: (column) => list(column).filter(isRow).map(rowReader),
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
