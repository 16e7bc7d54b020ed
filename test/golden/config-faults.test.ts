import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faultsOf } from '../fakes/a-config.ts'

const golden = readFileSync(join(import.meta.dirname, 'config-faults.txt'), 'utf8')
const cases = golden.split(/^## /m).slice(1)
const environment = { EMPTY: '', WORD: 'REALLY-SECRET' }

test.each(cases.map((text) => [text.slice(0, text.indexOf('\n')), text] as const))('%s is told as it should be', (_, text) => {
  const [file, faults] = text.slice(text.indexOf('\n') + 1).split(/^=>\n/m)
  expect(faultsOf(file ?? '', environment)).toEqual(faults?.trim().split('\n'))
})

test('no golden fault shows a secret', () => {
  const lines = golden.split('\n').filter((line) => line.startsWith('u.yaml:'))
  expect(lines.length).toBeGreaterThan(100)
  expect(lines.filter((line) => /SECRET|hunter2/.test(line))).toEqual([])
})
