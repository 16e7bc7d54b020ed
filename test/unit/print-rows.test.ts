import { expect, test } from 'vitest'
import { printCsv, printJson, printMarkdown, printTable } from '../../src/cli/print-rows.ts'

const cells = {
  columns: ['a', 'b,"c'],
  rows: [
    ['1', null],
    ['x|y\nz', ['q', 1]],
  ],
}

test('JSON has an object per row, with what is unknown as null', () => {
  expect(JSON.parse(printJson(cells))).toEqual([
    { a: '1', 'b,"c': null },
    { a: 'x|y\nz', 'b,"c': ['q', 1] },
  ])
})

test('CSV quotes what would break it, and leaves unknown fields empty', () => {
  expect(printCsv(cells)).toBe('a,"b,""c"\n1,\n"x|y\nz","[""q"",1]"')
})

test('Markdown stays one line per row and one cell per column', () => {
  expect(printMarkdown(cells)).toBe('| a | b,"c |\n| --- | --- |\n| 1 |  |\n| x\\|y<br>z | ["q",1] |')
})

test('nothing that a client sent can steer the terminal of who reads a table', () => {
  const hostile = { columns: ['x'], rows: [['\u001b[2Jgone\u0007\u202e']] }
  for (const text of [printTable(hostile), printMarkdown(hostile)]) {
    expect(text).toContain('u001b[2Jgone')
    for (const character of hostile.rows.flat().join('').match(/\p{C}/gu) ?? []) expect(text).not.toContain(character)
  }
})

test('a result without columns prints nothing as a table', () => {
  expect(printTable({ columns: [], rows: [] })).toBe('')
})
