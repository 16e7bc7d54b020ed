/** A Markdown table, padded so that it can be read as text too; the first column is of text, all others of figures. */
export function renderCells(head: readonly string[], cells: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...cells.map(line)].join('\n')
}

/** A figure with so many digits after the point; a dash where there is none. */
export function figure(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits)
}
