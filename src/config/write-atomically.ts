import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from './config-file.ts'

/**
 * Replaces the content of `file`: whoever reads it sees the old bytes or the new ones, also after a power cut. Where
 * `file` is a symlink its target is replaced; the mode stays as it was, and a new file is readable by its owner only,
 * because it may hold keys. `suffix` keeps the temporary names of two writers apart.
 * Throws the operating system's error; the old content is untouched then.
 */
export async function writeAtomically(file: string, bytes: Uint8Array, suffix: string): Promise<void> {
  const target = await realpath(file).catch(() => file)
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
    // A single file mounted into a container cannot be replaced by a rename, only written in place.
    if (errorCode(error) !== 'EBUSY') throw error
    await writeFile(target, bytes)
  }
  await syncDirectory(directory)
}

/** Makes the rename itself survive a power cut, where the platform lets directories be synced at all. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
