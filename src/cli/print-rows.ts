import Table from 'cli-table3'
import { tableText } from './table-text.ts'

/** A result: cells are what JSON can say. */
export type Cells = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }

/** A table drawn with lines. */
export function printTable({ columns, rows }: Cells): string {
  if (columns.length === 0) return ''
  const table = new Table({ head: columns.map(plainText), style: { head: [], border: [] } })
  for (const row of rows) table.push(row.map((cell) => plainText(cellText(cell))))
  return tableText(table)
}

/** One object per row; of columns with the same name the last one stays. */
export function printJson({ columns, rows }: Cells): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])))
  return JSON.stringify(objects, undefined, 2)
}

/** As RFC 4180 has it, apart from the line ends; NULL is an empty field. */
export function printCsv({ columns, rows }: Cells): string {
  const line = (cells: readonly string[]): string => cells.map(csvField).join(',')
  return [line(columns), ...rows.map((row) => line(row.map(cellText)))].join('\n')
}

export function printMarkdown({ columns, rows }: Cells): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(row.map(cellText)))].join('\n')
}

/** A cell as text; '' for NULL. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return ''
  return typeof cell === 'string' ? cell : JSON.stringify(cell)
}

/** What clients sent is printed, and must not steer the terminal: control characters become visible ones. */
export function plainText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (character) =>
    character === '\n' ? '\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function csvField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

function markdownCell(cell: string): string {
  return plainText(cell).replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', '<br>')
}
