import { close, closeSync, fdatasync, fsync, ftruncateSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Log } from '../domain/ports.ts'
import type { MonotonicMs, RequestId } from '../domain/units.ts'
import type { SpooledTable } from './insert.ts'
import { closedPath, countLines, openPath, type Segment } from './segments.ts'

const NEWLINE = 10
const syncFile = promisify(fdatasync)
const syncDirectory = promisify(fsync)
const closeFile = promisify(close)

/** What became of a batch: `error` is why the disk did not take the rows that are not `kept`. */
export type Written = { readonly kept: number; readonly error: unknown }

/** The one file of a table that rows are being appended to. It always ends with a whole row, or is closed. */
export class OpenSegment {
  readonly id: RequestId
  readonly table: SpooledTable
  readonly openedAt: MonotonicMs
  rows = 0
  bytes = 0
  /** The file may end in the middle of a row, so nothing may follow: close it. What reads it cuts it there. */
  isSpoilt = false
  readonly #dir: string
  readonly #fd: number
  #unsyncedBytes = 0
  #isNameSynced = false
  #syncing: Promise<void> | undefined

  /** Creates the file with `names`, the line of its columns' names. Throws what the disk says, and leaves no file. */
  constructor(dir: string, table: SpooledTable, names: Buffer, id: RequestId, openedAt: MonotonicMs) {
    this.id = id
    this.table = table
    this.openedAt = openedAt
    this.#dir = dir
    this.#fd = openSync(openPath(dir, table, id), 'ax', 0o600)
    const { written, error } = this.#put(names)
    if (written === names.length) {
      this.#grow(0, written)
      return
    }
    closeSync(this.#fd)
    unlinkSync(openPath(dir, table, id))
    throw error
  }

  get isDirty(): boolean {
    return this.#unsyncedBytes > 0
  }

  /**
   * Appends `rows` rows, each of which ends with a newline. After it returns, the kept rows survive the death of the
   * process (they are in the page cache), and after the next `sync` a loss of power. Never throws.
   */
  write(batch: Buffer, rows: number): Written {
    const { written, error } = this.#put(batch)
    if (written === batch.length) {
      this.#grow(rows, written)
      return { kept: rows, error: undefined }
    }
    // A nearly full disk takes the first part of a batch and refuses the rest, most often in the middle of a row.
    const whole = written === 0 ? 0 : batch.lastIndexOf(NEWLINE, written - 1) + 1
    const kept = countLines(batch.subarray(0, whole))
    if (written > whole) this.#cutTo(this.bytes + whole)
    this.#grow(kept, whole)
    return { kept, error }
  }

  /** Puts what has been written on the disk itself, and the file's name in its directory. Rejects with the disk's word. */
  async sync(directoryFd: number): Promise<void> {
    // One after the other: a file may be closed only when no sync of it is under way.
    this.#syncing = this.#syncNow(directoryFd, this.#syncing)
    await this.#syncing
  }

  /**
   * Gives the file its closed name; `segment` is undefined when it held no row, and the file is gone. `released`
   * resolves when it has been synced and let go. Neither fails: a file that cannot be renamed keeps the name it has,
   * and is as good under it.
   */
  close(directoryFd: number, log: Log): { segment: Segment | undefined; released: Promise<void> } {
    const { id, table, rows, bytes } = this
    let path = openPath(this.#dir, table, id)
    const released = this.#letGo(directoryFd, log)
    try {
      if (rows === 0) {
        unlinkSync(path)
        return { segment: undefined, released }
      }
      renameSync(path, closedPath(this.#dir, table, id, rows))
      path = closedPath(this.#dir, table, id, rows)
    } catch (error) {
      log.error('spool_rename_failed', { path, error: String(error) })
    }
    return { segment: rows === 0 ? undefined : { id, table, path, rows, settledRows: 0, bytes }, released }
  }

  /** Writes as much of `bytes` as the disk takes; `error` says why that is not all. */
  #put(bytes: Buffer): { written: number; error: unknown } {
    let written = 0
    try {
      while (written < bytes.length) {
        const taken = writeSync(this.#fd, bytes, written)
        if (taken === 0) throw new Error('the file took no more bytes')
        written += taken
      }
      return { written, error: undefined }
    } catch (error) {
      return { written, error }
    }
  }

  #grow(rows: number, bytes: number): void {
    this.rows += rows
    this.bytes += bytes
    this.#unsyncedBytes += bytes
  }

  #cutTo(bytes: number): void {
    try {
      ftruncateSync(this.#fd, bytes)
    } catch {
      this.isSpoilt = true
    }
  }

  async #syncNow(directoryFd: number, previous: Promise<void> | undefined): Promise<void> {
    await previous?.catch(() => {})
    const bytes = this.#unsyncedBytes
    await syncFile(this.#fd)
    this.#unsyncedBytes -= bytes
    if (this.#isNameSynced) return
    await syncDirectory(directoryFd)
    this.#isNameSynced = true
  }

  async #letGo(directoryFd: number, log: Log): Promise<void> {
    try {
      if (this.isDirty) await this.sync(directoryFd)
      else await this.#syncing
    } catch (error) {
      log.error('spool_sync_failed', { table: this.table, error: String(error) })
    }
    await closeFile(this.#fd).catch((error: unknown) => log.error('spool_close_failed', { error: String(error) }))
  }
}
