import { createHash } from 'node:crypto'
import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache/understudy-store')
/** All that the files of a migrated engine follow from; directories with what is in them. */
const INPUTS = [
  'config/clickhouse',
  'src/store/embedded',
  'src/store/migrate.ts',
  'src/store/sql-files.ts',
  'src/store/retention.ts',
  'test/fakes/clickhouse.ts',
  'test/fakes/prepare-store-template.ts',
  'node_modules/chdb/package.json',
]
/** A template that no tree can have been using for this long. */
const FORGOTTEN_AFTER_MS = 86_400_000

/** Where the template for the tree as it is now is, or would be: the data directory of an engine that was stopped. */
function templateDir(): string {
  const hash = createHash('sha256')
  for (const input of INPUTS) {
    const path = join(ROOT, input)
    if (!existsSync(path)) continue
    const files = statSync(path).isDirectory()
      ? readdirSync(path)
          .toSorted()
          .map((name) => join(path, name))
      : [path]
    for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  }
  return join(CACHE, hash.digest('hex').slice(0, 16))
}

/**
 * Gives the engine that will be started in `engineDir` the tables that it would make at its first start, unless there is
 * something already. Without a template it makes them itself, as anywhere: it takes longer, that is all.
 */
export function seedStore(engineDir: string): void {
  const dataDir = join(engineDir, 'data')
  if (existsSync(dataDir)) return
  const template = templateDir()
  if (!existsSync(template)) return
  mkdirSync(engineDir, { recursive: true, mode: 0o700 })
  // The links in it lead to places in it.
  cpSync(template, dataDir, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE })
}

/** Makes the template for the tree as it is now by `make`, which leaves it in the directory it is given, unless there is one. */
export async function makeStoreTemplate(make: (dir: string) => Promise<void>): Promise<void> {
  const template = templateDir()
  if (existsSync(template)) return
  mkdirSync(CACHE, { recursive: true })
  for (const name of readdirSync(CACHE)) {
    const old = join(CACHE, name)
    if (Date.now() - (statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? 0) > FORGOTTEN_AFTER_MS) {
      rmSync(old, { recursive: true, force: true })
    }
  }
  const own = `${template}.${process.pid}`
  await make(own)
  try {
    renameSync(own, template)
  } catch {
    rmSync(own, { recursive: true, force: true }) // another run was faster
  }
}
