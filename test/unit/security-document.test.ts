import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')

test('every defence in SECURITY.md names a test or file that exists', () => {
  const rows = [...text.matchAll(/^\| [^|]+ \| [^|]+ \| (.*`test\/.*) \|$/gm)].map(([, tests = '']) => tests)
  expect(rows.length).toBeGreaterThan(10)
  const named = [...text.matchAll(/`((?:test|config|src)\/[\w./-]+)`/g)].map(([, path = '']) => path)
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})
