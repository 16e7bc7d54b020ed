import Table from 'cli-table3'
import { expect, test } from 'vitest'
import { tableText } from '../../src/cli/table-text.ts'

function drawn(rows: readonly string[][], head: string[] = ['a', 'b']): readonly string[] {
  const table = new Table({ head, style: { head: [], border: [] } })
  table.push(...rows)
  return tableText(table).split('\n')
}

test('a list takes a line per row', () => {
  expect(
    drawn([
      ['1', '2'],
      ['3', '├4'],
      ['5', ''],
    ]),
  ).toEqual(['┌───┬────┐', '│ a │ b  │', '├───┼────┤', '│ 1 │ 2  │', '│ 3 │ ├4 │', '│ 5 │    │', '└───┴────┘'])
})

test('rows of several lines are told apart', () => {
  expect(
    drawn([
      ['1', '2\n3'],
      ['4', '5'],
    ]).filter((line) => line.startsWith('├')),
  ).toHaveLength(2)
})

test('a table without rows has a head and no more', () => {
  expect(drawn([])).toEqual(['┌───┬───┐', '│ a │ b │', '└───┴───┘'])
})
