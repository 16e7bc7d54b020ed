import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkConfig } from '../../src/config/check.ts'
import { fileSchema } from '../../src/config/schema.ts'
import { leafPaths } from '../../src/config/schema-path.ts'
import { faultsOf } from '../fakes/a-config.ts'

const SECRET = 'sk-proj-REALLY-SECRET'
const LEAVES = leafPaths(fileSchema).map((path) => path.join('.'))
const SECRET_LEAVES = [
  'admin.token',
  'admin.read_token',
  'store.password',
  'providers.*.api_key',
  'providers.*.headers.*',
]

/** A file (JSON, which is YAML) with nothing in it but `value` at `leaf`. */
function fileWith(leaf: string, value: unknown): string {
  const steps = leaf.split('.')
  const nest = (index: number): unknown => {
    const step = steps[index]
    if (step === undefined) return value
    if (step !== '*') return { [step]: nest(index + 1) }
    return steps[index - 1] === 'prices' ? [nest(index + 1)] : { 'any-name': nest(index + 1) }
  }
  return JSON.stringify(nest(0), undefined, 1)
}

test('the leaves that hold secrets are leaves of the schema', () => {
  expect(SECRET_LEAVES.filter((leaf) => !LEAVES.includes(leaf))).toEqual([])
})

test.each(LEAVES)('a value from the environment at %s is in no fault', (leaf) => {
  // The line break makes it wrong for whatever wants a word, a number or a key.
  const faults = faultsOf(fileWith(leaf, '${VALUE}'), { VALUE: `${SECRET}\n` })
  expect(faults).not.toEqual([])
  expect(faults.join('\n')).not.toContain('SECRET')
})

const SPOILED: readonly (readonly [string, (leaf: string) => string])[] = [
  ['with a line break', (leaf) => fileWith(leaf, `${SECRET}\n`)],
  ['in a list', (leaf) => fileWith(leaf, [SECRET])],
  ['as a key', (leaf) => fileWith(leaf, { [`${SECRET}-0123456789-0123456789`]: 1 })],
  ['with a broken variable', (leaf) => fileWith(leaf, `${SECRET} \${`)],
  ['in a file that breaks off', (leaf) => fileWith(leaf, SECRET).slice(0, -2)],
  ['in quotes that do not close', (leaf) => fileWith(leaf, SECRET).replace(`${SECRET}"`, SECRET)],
  ['under a key with a slip in it', (leaf) => fileWith(`${leaf}x`, SECRET)],
]

test.each(SECRET_LEAVES.flatMap((leaf) => SPOILED.map(([how, spoil]) => [leaf, how, spoil(leaf)] as const)))(
  'a secret at %s %s is in no fault',
  (_leaf, _how, file) => {
    const faults = faultsOf(file)
    expect(faults).not.toEqual([])
    expect(faults.join('\n')).not.toContain('SECRET')
  },
)

test('what check prints of a good file tells that keys are set and nothing of them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = `
admin: { listen: '0.0.0.0:1', token: ${SECRET}-1, read_token: ${SECRET}-2 }
store: { url: 'http://h:8123', password: ${SECRET}-3 }
providers: { up: { dialect: openai, base_url: 'http://h.example', api_key: "\${KEY}", headers: { x-a: ${SECRET}-4 } } }`
  writeFileSync(join(directory, 'u.yaml'), file)
  const { ok, lines } = await checkConfig({ file: 'u.yaml', environment: { KEY: SECRET }, baseDir: directory })
  expect(ok).toBe(true)
  expect(lines.join('\n')).toContain('server key set')
  expect(lines.join('\n')).toContain('token set')
  expect(lines.join('\n')).not.toContain('SECRET')
})
