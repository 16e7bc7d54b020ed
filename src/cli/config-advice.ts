import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEFAULT_CONFIG } from './banner.ts'

const EXAMPLE = fileURLToPath(new URL('../../config/understudy.example.yaml', import.meta.url))

/** Where a command was started and what it was told. */
export type Whereabouts = {
  readonly cwd: string
  /** As the operator named it, or the default. */
  readonly file: string
  /** `UNDERSTUDY_CONFIG`. */
  readonly variable: string | undefined
}

/** What to do about a config file that is not there: who named it, and where there is one. Empty when it is there. */
export function configAdvice({ cwd, file, variable }: Whereabouts): readonly string[] {
  const path = resolve(cwd, file)
  if (existsSync(path)) return []
  const namedBy =
    file === variable
      ? 'as UNDERSTUDY_CONFIG says'
      : file === DEFAULT_CONFIG
        ? 'where a command looks that is told no other place'
        : 'as -c says'
  const found = nearestConfig(cwd)
  const instead =
    found === undefined
      ? `Name yours with -c <file>, or begin with a copy of ${EXAMPLE}.`
      : `There is one here: -c ${relative(cwd, found)}`
  return [`understudy: there is no config file at ${path}, ${namedBy}.`, instead]
}

/** The config file of the directory `from` or of the nearest one above it. */
function nearestConfig(from: string): string | undefined {
  for (let dir = from; ; dir = dirname(dir)) {
    const found = [DEFAULT_CONFIG, 'understudy.yaml'].map((name) => join(dir, name)).find((path) => existsSync(path))
    if (found !== undefined || dirname(dir) === dir) return found
  }
}
