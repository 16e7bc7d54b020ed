import { type Field, rowLine } from './row-fields.ts'

// Rows as they are spooled and sent, ClickHouse's JSONCompactEachRowWithNames: a line with the names of the columns,
// then a line for each row. Such rows explain themselves: a version whose tables have more columns still knows what
// is in a segment that an earlier one left.

/** Rows with these columns, ready to be inserted; each holds one field per column. */
export function namedRows(columns: readonly string[], ...rows: readonly (readonly Field[])[]): string {
  return [columns, ...rows].map((row) => `${rowLine(row)}\n`).join('')
}

/**
 * A single row as a JSON object, for people to read: `names` and `row` are the lines of a segment. A row that does not
 * go with the names, or is no JSON at all, is returned as it is.
 */
export function readableRow(names: string, row: string): string {
  const columns = listIn(names)
  const fields = listIn(row)
  if (columns === undefined || columns.length !== fields?.length) return row
  return JSON.stringify(Object.fromEntries(columns.map((column, index) => [String(column), fields[index]])))
}

function listIn(line: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return Array.isArray(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
