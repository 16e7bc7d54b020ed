import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { z } from 'zod'

const ROOT = new URL('../../', import.meta.url)
const Lockfile = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) })
const { packages } = Lockfile.parse(JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')))

/** Name and first version without the advisories, from the table in SECURITY.md. */
const MENDED = [
  ...readFileSync(new URL('SECURITY.md', ROOT), 'utf8').matchAll(/^\| ([@\w/-]+) \| (\d+\.\d+\.\d+) \| .*CVE-/gm),
].map(([, name = '', mendedIn = '']) => ({ name, mendedIn }))

it('SECURITY.md names what was looked for', () => {
  expect(MENDED.length).toBeGreaterThan(10)
})

it.each(MENDED)(
  'every locked $name is $mendedIn or later, which its advisories do not concern',
  ({ name, mendedIn }) => {
    const locked = Object.entries(packages)
      .filter(([path]) => path.endsWith(`node_modules/${name}`))
      .map(([, { version = '' }]) => version)
    expect(locked.length).toBeGreaterThan(0)
    expect(locked.filter((version) => isBelow(version, mendedIn))).toEqual([])
  },
)

/** Whether one version of three numbers comes before another. */
function isBelow(version: string, other: string): boolean {
  const [left, right] = [version, other].map((text) => text.split('.').map(Number))
  const at = [0, 1, 2].find((index) => left?.[index] !== right?.[index])
  return at !== undefined && (left?.[at] ?? 0) < (right?.[at] ?? 0)
}
