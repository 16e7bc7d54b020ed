import type { CapturedContent } from '../domain/content.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { Log } from '../domain/ports.ts'
import { contentRow } from './content-row.ts'
import type { Spool } from './spool.ts'

/** Rows of table `contents`, made after the answer's last byte is on its way: redacting holds no client up. */
export type ContentLane = {
  /** Takes over what was said; its row is made in one of the next turns of the event loop. Never throws. */
  readonly push: (exchange: Exchange, content: CapturedContent) => void
  /** Makes all rows that wait, now. */
  readonly flush: () => void
  /** Rows that were never made: too many waited, or making one failed. */
  readonly lostRows: () => number
}

export type ContentLaneOptions = {
  readonly spool: Spool
  readonly instance: string
  /** Asked once, when the first row is made. */
  readonly hashKey: () => string
  readonly log: Log
}

/** `spooled` is to be called when the row is in the spool, or never will be. */
type Waiting = { readonly exchange: Exchange; readonly content: CapturedContent; readonly spooled: () => void }

/** What may wait, in bytes of requests and answers: more comes only where clients are faster than redacting for long. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

export function createContentLane({ spool, instance, hashKey, log }: ContentLaneOptions): ContentLane {
  const waiting: Waiting[] = []
  let waitingBytes = 0
  let lost = 0
  let turn: NodeJS.Immediate | undefined
  let key: string | undefined

  const makeOne = (): void => {
    const next = waiting.shift()
    if (next === undefined) return
    waitingBytes -= sizeOf(next.content)
    try {
      const line = contentRow(next.exchange, next.content, instance, (key ??= hashKey()))
      spool.append([{ table: 'contents', line }], next.spooled)
    } catch (error) {
      lost += 1
      next.spooled()
      // The error's text may quote what was said; its name does not.
      const name = error instanceof Error ? error.name : 'unknown'
      log.error('content_failed', { trace_id: next.exchange.request.id, error: name })
    }
  }
  // One row in a turn: between two of them others get theirs.
  const work = (): void => {
    makeOne()
    turn = waiting.length === 0 ? undefined : setImmediate(work)
  }

  return {
    push: (exchange, content) => {
      const size = sizeOf(content)
      if (waitingBytes + size > MAX_WAITING_BYTES) {
        lost += 1
        return
      }
      const spooled = spool.announce(exchange.receivedAt + exchange.durationMs)
      waiting.push({ exchange, content, spooled })
      waitingBytes += size
      turn ??= setImmediate(work)
    },
    flush: () => {
      clearImmediate(turn)
      turn = undefined
      while (waiting.length > 0) makeOne()
    },
    lostRows: () => lost,
  }
}

function sizeOf({ request, answer }: CapturedContent): number {
  return (request?.length ?? 0) + (answer?.bytes?.length ?? 0)
}
