import { write, writeSync } from 'node:fs'

/** Batches on their way to a file descriptor, one write at a time, off the event loop. Never throws. */
export type WriteQueue = {
  /** False when the batch was not taken: the queue is full, or its reader is gone. */
  readonly push: (batch: string) => boolean
  /** Writes all that waits and then `last` before it returns; false when something could not be written. */
  readonly flushSync: (last: string) => boolean
  /** Resolves when nothing is under way any more: all is written, or the descriptor takes nothing. */
  readonly idle: () => Promise<void>
}

/** A descriptor that takes nothing for the moment is asked again after this time, so often before the end. */
const BUSY_MS = 50
const LAST_TRIES = 40

/** Batches beyond `maxBytes` are refused. `onLost`: the batches, in whole or in part, that a reader who left never saw. */
export function createWriteQueue(fd: number, maxBytes: number, onLost: (batch: Buffer) => void): WriteQueue {
  /** The first one is under way while `isWriting`. */
  let waiting: Buffer[] = []
  let bytes = 0
  let isWriting = false
  let isGone = false
  const onIdle: (() => void)[] = []

  function settle(): void {
    isWriting = false
    for (const resolve of onIdle.splice(0)) resolve()
  }

  function pump(): void {
    const [batch] = waiting
    if (batch === undefined) return settle()
    isWriting = true
    write(fd, batch, (error, written) => {
      if (error === null) {
        took(written)
        return pump()
      }
      if (isBusy(error)) return void setTimeout(pump, BUSY_MS)
      // A full disk passes: what waits goes with the next batch. A closed pipe does not.
      if (error.code === 'EPIPE') abandon()
      settle()
    })
  }

  function took(written: number): void {
    const [batch] = waiting
    if (batch === undefined) return
    bytes -= written
    if (written < batch.length) waiting[0] = batch.subarray(written)
    else waiting.shift()
  }

  function abandon(): void {
    isGone = true
    for (const batch of waiting) onLost(batch)
    waiting = []
    bytes = 0
  }

  return {
    push: (text) => {
      const batch = Buffer.from(text)
      const isTaken = !isGone && bytes + batch.length <= maxBytes
      if (isTaken) {
        waiting.push(batch)
        bytes += batch.length
      }
      if (!isWriting) pump()
      return isTaken
    },
    flushSync: (last) => {
      if (isGone) return last === ''
      // A write under way cannot be waited for, nor called back: the process waits for it when it exits. A pause lets
      // it come first, unless the descriptor is blocked.
      if (isWriting) pause()
      const unsent = isWriting ? waiting.splice(1) : waiting.splice(0)
      for (const batch of unsent) bytes -= batch.length
      const isWritten = writeAllSync(fd, Buffer.concat([...unsent, Buffer.from(last)]))
      if (!isWritten) for (const batch of unsent) onLost(batch)
      return isWritten
    },
    idle: () => (isWriting ? new Promise((resolve) => onIdle.push(resolve)) : Promise.resolve()),
  }
}

/** Stops at the first error that is more than a moment's: the disk may be full, and the process has to end. */
function writeAllSync(fd: number, bytes: Buffer): boolean {
  let tries = 0
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
      tries = 0
    } catch (error) {
      if (!isBusy(error) || ++tries > LAST_TRIES) return false
      pause()
    }
  }
  return true
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY')
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS)
}
