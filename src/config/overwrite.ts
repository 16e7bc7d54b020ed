/** A file opened to be read and written, as `open` of `node:fs/promises` gives it. */
export type Overwritable = {
  readonly write: (
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ readonly bytesWritten: number }>
  readonly truncate: (length: number) => Promise<void>
  readonly sync: () => Promise<void>
}

/** How overwriting a file failed. `isIntact`: it holds what it held before. */
export type OverwriteFailure = { readonly error: unknown; readonly isIntact: boolean }

/**
 * Replaces `previous`, all that `file` holds, by `bytes`, in place. What is longer goes first, so that a full disk shows
 * while the old content is whole; after that the file only shrinks, and writing needs no room any more. A failure in
 * between puts the old content back. Not proof against a power cut: where a rename is possible, rename.
 */
export async function overwrite(
  file: Overwritable,
  previous: Uint8Array,
  bytes: Uint8Array,
): Promise<OverwriteFailure | undefined> {
  try {
    if (bytes.length > previous.length) {
      await writeAll(file, bytes, previous.length)
      await file.sync()
    }
    await writeAll(file, bytes.subarray(0, previous.length), 0)
    await file.truncate(bytes.length)
    await file.sync()
    return undefined
  } catch (error) {
    return { error, isIntact: await putBack(file, previous) }
  }
}

async function putBack(file: Overwritable, previous: Uint8Array): Promise<boolean> {
  try {
    await file.truncate(previous.length)
    await writeAll(file, previous, 0)
    await file.sync()
    return true
  } catch {
    return false
  }
}

/** From `start` of `bytes` to their end, at the same place of the file. */
async function writeAll(file: Overwritable, bytes: Uint8Array, start: number): Promise<void> {
  for (let at = start; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, at)
    at += bytesWritten
  }
}
