import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { z } from 'zod'

const Lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
})
function lockfile(path: string) {
  return Lockfile.parse(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))).packages
}
const packages = lockfile('../../package-lock.json')
const ofTheBench = lockfile('../bench/portkey/package-lock.json')

it('names no registry host in the lockfiles, so that each machine installs from its own', () => {
  for (const locked of [packages, ofTheBench]) {
    expect(Object.keys(locked).filter((path) => locked[path]?.resolved?.startsWith('http'))).toEqual([])
  }
})

it('pins what the bench installs by checksum, and nothing of it is installed for anybody else', () => {
  const installed = Object.keys(ofTheBench).filter((path) => path !== '')
  expect(installed).toContain('node_modules/@portkey-ai/gateway')
  expect(installed.filter((path) => ofTheBench[path]?.integrity?.startsWith('sha512-') !== true)).toEqual([])
  expect(Object.keys(packages).filter((path) => path.includes('portkey'))).toEqual([])
})

// `npm ci` refuses a lockfile without them ("Missing: … from lock file"), and an install against a registry that lacks
// the packages of other platforms leaves them out.
it('locks the optional packages of every platform, not only those of the machine that wrote the lockfile', () => {
  const locked = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)))
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  expect(wanted.length).toBeGreaterThan(0)
  expect(wanted.filter((name) => !locked.has(name))).toEqual([])
})
