import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ERRORS } from '../../src/domain/errors.ts'

const ARCHITECTURE = fileURLToPath(new URL('../../ARCHITECTURE.md', import.meta.url))

it('ARCHITECTURE.md documents every error code with its status, in the order of the code, and no other', () => {
  expect(documented()).toEqual(Object.entries(ERRORS).map(([code, { status }]) => `${code} ${status}`))
})

it('every code in ARCHITECTURE.md has a meaning', () => {
  expect(rows().filter((cells) => cells.length !== 3 || cells.some((cell) => cell === ''))).toEqual([])
})

/** `code status` of every row of the table under the heading "Error codes". */
function documented(): readonly string[] {
  return rows().map(([code = '', status = '']) => `${code.replace(/^`|`$/g, '')} ${status}`)
}

function rows(): readonly string[][] {
  const section = /^##+ Error codes$([^]*?)(?=^#|$(?![^]))/m.exec(readFileSync(ARCHITECTURE, 'utf8'))?.[1] ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}
