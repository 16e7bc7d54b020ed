import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { copied, readDockerfile, textsOf } from './dockerfile.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** What --omit=dev --omit=optional leaves out. */
const Lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean(), optional: z.boolean(), devOptional: z.boolean() }).partial(),
  ),
})

/** Puts into `dir` what the Dockerfile puts into /app: its COPYs without what is ignored, and the runtime packages. */
export function makeImageTree(dir: string): void {
  const image = readDockerfile(join(ROOT, 'Dockerfile')).stages.at(-1) ?? []
  const ignored = readIgnored()
  mkdirSync(dir, { recursive: true })
  for (const text of textsOf(image, 'COPY')) {
    const copy = copied(text)
    for (const source of copy?.sources ?? []) {
      const isDirectory = statSync(join(ROOT, source)).isDirectory()
      const target = isDirectory ? join(dir, copy?.target ?? '') : join(dir, copy?.target ?? '', basename(source))
      cpSync(join(ROOT, source), target, {
        recursive: true,
        filter: (path) => !ignored.includes(relative(ROOT, path)),
      })
    }
  }
  for (const path of runtimePackages()) {
    // Packages inside a package are listed by themselves.
    const isOwn = (file: string): boolean => !relative(join(ROOT, path), file).split('/').includes('node_modules')
    cpSync(join(ROOT, path), join(dir, path), { recursive: true, filter: isOwn })
  }
}

/** Paths such as `node_modules/express`, of the packages that `npm ci --omit=dev --omit=optional` installs. */
export function runtimePackages(): readonly string[] {
  const { packages } = Lockfile.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')))
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .map(([path]) => path)
}

/** Every file below `dir`, with the time of its last change. */
export function filesIn(dir: string): ReadonlyMap<string, number> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true })
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, statSync(path).mtimeMs]),
  )
}

function readIgnored(): readonly string[] {
  return readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => /^[\w.]/.test(line))
}
