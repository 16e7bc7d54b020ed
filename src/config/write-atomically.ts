import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from './config-file.ts'
import { overwrite } from './overwrite.ts'

export type Written =
  | { readonly kind: 'written' }
  /** `code`: the operating system's. `isIntact`: the file holds what it held before. */
  | { readonly kind: 'unwritable'; readonly code: string; readonly isIntact: boolean }

/**
 * Replaces the content of `file`: whoever reads it sees the old bytes or the new ones, also after a power cut. Where
 * `file` is a symlink its target is replaced; the mode stays as it was, and a new file is readable by its owner only,
 * because it may hold keys. `suffix` keeps the temporary names of two writers apart. A file that is mounted by itself
 * cannot be replaced and is overwritten (see `overwrite`).
 */
export async function writeAtomically(file: string, bytes: Uint8Array, suffix: string): Promise<Written> {
  const target = await realpath(file).catch(() => file)
  try {
    await replace(target, bytes, suffix)
    return { kind: 'written' }
  } catch (error) {
    // A single file mounted into a container cannot be replaced by a rename, only written in place.
    if (errorCode(error) === 'EBUSY') return overwriteInPlace(target, bytes)
    return { kind: 'unwritable', code: errorCode(error), isIntact: true }
  }
}

async function replace(target: string, bytes: Uint8Array, suffix: string): Promise<void> {
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  )
  const directory = dirname(target)
  const temporary = join(directory, `.${basename(target)}.${suffix}.tmp`)
  try {
    await rm(temporary, { force: true })
    const handle = await open(temporary, 'wx', mode)
    try {
      await handle.chmod(mode)
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

async function overwriteInPlace(target: string, bytes: Uint8Array): Promise<Written> {
  try {
    const previous = await readFile(target)
    const handle = await open(target, 'r+')
    const failure = await overwrite(handle, previous, bytes)
    await handle.close()
    if (failure === undefined) return { kind: 'written' }
    return { kind: 'unwritable', code: errorCode(failure.error), isIntact: failure.isIntact }
  } catch (error) {
    return { kind: 'unwritable', code: errorCode(error), isIntact: true } // it could not even be opened
  }
}

/** Makes the rename itself survive a power cut, where the platform lets directories be synced at all. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
