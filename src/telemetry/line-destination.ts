import { pino } from 'pino'

/** Where log lines go. Writing never waits and never throws. */
export type LineDestination = {
  /** `line` ends with a newline. */
  readonly write: (line: string) => void
  /** Lines lost because the reader of the log is slower than the proxy, or gone. */
  readonly droppedLines: () => number
  /** Writes everything before it returns; for the last moments of a process. */
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

/**
 * Lines collected in batches and written behind the event loop's back to the file descriptor `fd`. Lines are
 * joined here because the engine below measures its whole buffer again with every write.
 */
export function openLineDestination(fd: number): LineDestination {
  const engine = pino.destination({ dest: fd, sync: false, minLength: 0, maxLength: MAX_BUFFERED_BYTES })
  let pending = ''
  let timer: NodeJS.Timeout | undefined
  let dropped = 0
  let isGone = false

  engine.on('drop', (batch: string) => (dropped += countLines(batch)))
  // A full disk passes: the engine keeps its buffer and goes on with the next write. A closed pipe does not.
  engine.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') isGone = true
  })

  function handOver(): void {
    clearTimeout(timer)
    timer = undefined
    const batch = pending
    pending = ''
    if (batch === '') return
    if (isGone) dropped += countLines(batch)
    else engine.write(batch)
  }

  return {
    write: (line) => {
      pending += line
      if (pending.length >= BATCH_CHARS) handOver()
      else timer ??= setTimeout(handOver, BATCH_MS).unref()
    },
    droppedLines: () => dropped,
    flushSync: () => {
      handOver()
      if (!isGone) engine.flushSync()
    },
    close: async () => {
      handOver()
      if (isGone) return
      isGone = true
      await new Promise<void>((resolve) => {
        const patience = setTimeout(resolve, CLOSE_MS)
        const done = (): void => {
          clearTimeout(patience)
          resolve()
        }
        engine.once('close', done)
        engine.once('error', done)
        engine.end()
      })
    },
  }
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++
  return count
}
