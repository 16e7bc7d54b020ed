import type { Table } from 'cli-table3'

/**
 * A table as text, with a line below its head. Lines between rows are drawn only where a cell has several lines, since they
 * would make a list of fifty twice as long.
 */
export function tableText(table: Table): string {
  const lines = table.toString().split('\n')
  const below = lines.findIndex(isRule)
  const isTall = lines.length !== 2 * table.length + 3
  return isTall ? lines.join('\n') : lines.filter((line, at) => at === below || !isRule(line)).join('\n')
}

function isRule(line: string): boolean {
  return line.startsWith('├')
}
