import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { houseLint } from '../lint/house-lint.ts'
import houseRules from '../lint/house-rules.ts'
import { HUB, layerOf, LIBRARY_HOMES, MAY_IMPORT, SPOKES } from '../lint/house.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BAD_HOUSE = fileURLToPath(new URL('../fixtures/bad-house', import.meta.url))
const Report = z.object({ diagnostics: z.array(z.object({ filename: z.string(), code: z.string() })) })

it('catches every fault of the bad house, in the file that has it, and nothing else', async () => {
  const { stdout } = await oxlint(BAD_HOUSE, ['-c', 'bad-house.config.ts', '-f', 'json', '.'])
  const caught = Report.parse(JSON.parse(stdout)).diagnostics.map(
    ({ filename, code }) => `${filename}: ${code.replace('(', '/').replace(')', '')}`,
  )
  expect(caught.sort()).toEqual(plantedFaults().sort())
})

it('plants a fault for every rule that this house sets', () => {
  const planted = new Set(plantedFaults().map((fault) => fault.split(': ')[1]))
  const { rules, overrides } = houseLint(ROOT)
  const set = [rules, ...(overrides ?? []).map((override) => override.rules)].flatMap((some) => Object.keys(some ?? {}))
  expect(set.filter((rule) => !planted.has(rule))).toEqual([])
})

it('sets every rule that the house has', () => {
  const { rules } = houseLint(ROOT)
  expect(Object.keys(houseRules.rules).filter((rule) => rules?.[`house/${rule}`] !== 'error')).toEqual([])
})

it('lints every source file, and each has a layer', async () => {
  const { stdout } = await oxlint(ROOT, ['--debug=files'])
  const linted = new Set(stdout.split('\n').map((line) => line.trim()))
  const sources = globSync('src/**/*.{ts,mjs}', { cwd: ROOT })
  expect(sources.length).toBeGreaterThan(10)
  expect(sources.filter((path) => !linted.has(path))).toEqual([])
  expect(sources.filter((path) => layerOf(path) === undefined)).toEqual([])
})

it('lets no spoke import another, and nobody but the hub import the hub', () => {
  for (const spoke of SPOKES)
    expect(MAY_IMPORT[spoke].filter((layer) => SPOKES.some((other) => other === layer))).toEqual([])
  const importersOfHub = Object.entries(MAY_IMPORT).filter(([, layers]) =>
    layers.some((layer) => HUB.some((hub) => hub === layer)),
  )
  expect(importersOfHub.map(([layer]) => layer)).toEqual(HUB.filter((hub) => hub !== 'compose'))
})

it('gives every runtime dependency a home', () => {
  const manifest = z
    .object({ dependencies: z.record(z.string(), z.string()), optionalDependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')))
  const runtime = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
  const homes = Object.keys(LIBRARY_HOMES)
  expect(
    runtime.filter((name) => !homes.some((home) => name === home || (home.endsWith('/') && name.startsWith(home)))),
  ).toEqual([])
})

/** `file: rule` for each rule named in the `// breaks:` line that opens a file of the bad house. */
function plantedFaults(): string[] {
  return globSync('**/*.ts', { cwd: BAD_HOUSE }).flatMap((path) => {
    const rules = readFileSync(`${BAD_HOUSE}/${path}`, 'utf8').match(/^\/\/ breaks: (.+)$/m)?.[1]
    return rules?.split(' ').map((rule) => `${path}: ${rule}`) ?? []
  })
}

/** Runs the linter of this repository in `cwd`; finding faults is not an error here. */
async function oxlint(cwd: string, args: readonly string[]): Promise<{ stdout: string }> {
  const script = fileURLToPath(new URL('../../node_modules/oxlint/bin/oxlint', import.meta.url))
  try {
    return await promisify(execFile)(process.execPath, [script, ...args], { cwd, maxBuffer: 16 * 1024 * 1024 })
  } catch (error) {
    const failed = z.object({ code: z.literal(1), stdout: z.string() }).safeParse(error)
    if (!failed.success) throw error
    return failed.data
  }
}
