import { close as closeFile } from 'node:fs'
import { createWriteQueue } from './write-queue.ts'

/** Where log lines go. Writing never waits and never throws. */
export type LineDestination = {
  /** `line` ends with a newline. */
  readonly write: (line: string) => void
  /** Lines lost because the reader of the log is slower than the proxy, or gone. */
  readonly droppedLines: () => number
  /** Writes everything before it returns, in order; for the last moments of a process, which nothing outlasts. */
  readonly flushSync: () => void
  /** Resolves when everything is written, or when it is clear within a second that it cannot be. */
  readonly close: () => Promise<void>
}

/** A line waits at most this long, so that a busy proxy makes one system call for hundreds of lines. */
const BATCH_MS = 100
/** Each batch wakes a thread: 1.4 µs of CPU per line in batches of 16 KB, 0.7 in these, no less in larger ones. */
const BATCH_CHARS = 64 * 1024
/** About 20 000 request lines. A stalled log reader must cost lines, never memory. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024
/** A log that nobody reads must not keep the process from ending. */
const CLOSE_MS = 1_000

/** The standard streams are the process's own. */
const LAST_STANDARD_FD = 2

/** Lines collected in batches and written behind the event loop's back to the file descriptor `fd`. */
export function openLineDestination(fd: number): LineDestination {
  let pending = ''
  let timer: NodeJS.Timeout | undefined
  let dropped = 0
  let closed: Promise<void> | undefined
  const queue = createWriteQueue(fd, MAX_BUFFERED_BYTES, (batch) => (dropped += countLines(batch.toString())))

  function takePending(): string {
    clearTimeout(timer)
    timer = undefined
    const batch = pending
    pending = ''
    return batch
  }

  function handOver(): void {
    const batch = takePending()
    if (batch !== '' && (closed !== undefined || !queue.push(batch))) dropped += countLines(batch)
  }

  async function finish(): Promise<void> {
    let patience: NodeJS.Timeout | undefined
    const outOfPatience = new Promise<boolean>((resolve) => {
      patience = setTimeout(() => resolve(false), CLOSE_MS)
    })
    const isIdle = await Promise.race([queue.idle().then(() => true), outOfPatience])
    clearTimeout(patience)
    if (isIdle && fd > LAST_STANDARD_FD) await new Promise<void>((resolve) => closeFile(fd, () => resolve()))
  }

  return {
    write: (line) => {
      pending += line
      if (pending.length >= BATCH_CHARS) handOver()
      else timer ??= setTimeout(handOver, BATCH_MS).unref()
    },
    droppedLines: () => dropped,
    flushSync: () => {
      const batch = takePending()
      if (closed !== undefined || !queue.flushSync(batch)) dropped += countLines(batch)
    },
    close: () => {
      handOver()
      return (closed ??= finish())
    },
  }
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++
  return count
}
