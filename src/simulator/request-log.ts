import type { IncomingMessage } from 'node:http'

/**
 * How a request ended: its answer went out whole, the client left before that, or the simulator itself broke off
 * (a fault). `atMs` is on the clock of `performance.now()`.
 */
export type RequestEnd = { readonly how: 'answered' | 'client_closed' | 'broken_off'; readonly atMs: number }

/** One request as it came off the wire. A class because it lives: the body grows, then the request ends, once. */
export class ReceivedRequest {
  readonly method: string
  /** As on the request line, query included. */
  readonly path: string
  /** Name, value, name, value … as on the wire. */
  readonly rawHeaders: readonly string[]
  /** On the clock of `performance.now()`. */
  readonly receivedAtMs: number
  /** Body bytes as on the wire, still compressed where they came so; the first `KEPT_BODY_BYTES` of them. */
  body: Buffer = Buffer.alloc(0)
  /** All body bytes received. */
  bodyBytes = 0
  end: RequestEnd | undefined = undefined
  #waiting: ((end: RequestEnd) => void)[] = []

  constructor(request: IncomingMessage, receivedAtMs: number) {
    this.method = request.method ?? ''
    this.path = request.url ?? ''
    this.rawHeaders = request.rawHeaders
    this.receivedAtMs = receivedAtMs
  }

  /** The first value of a header, by any case of its name. */
  header(name: string): string | undefined {
    const index = this.rawHeaders.findIndex(
      (text, position) => position % 2 === 0 && text.toLowerCase() === name.toLowerCase(),
    )
    return index === -1 ? undefined : this.rawHeaders[index + 1]
  }

  /** Resolves when the request has ended, at once if it has. */
  whenEnded(): Promise<RequestEnd> {
    return this.end === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(this.end)
  }

  /** The first call counts. */
  finish(how: RequestEnd['how'], atMs: number): void {
    if (this.end !== undefined) return
    this.end = { how, atMs }
    for (const resolve of this.#waiting.splice(0)) resolve(this.end)
  }
}

/** Of a longer body only this much is kept in the log. */
export const KEPT_BODY_BYTES = 16 * 1024 * 1024

export type RequestLog = {
  readonly add: (request: ReceivedRequest) => void
  /** Oldest first. */
  readonly all: () => readonly ReceivedRequest[]
  /** The next request to arrive, as soon as its headers have. */
  readonly next: () => Promise<ReceivedRequest>
  readonly clear: () => void
}

/** Keeps the last `limit` requests. */
export function createRequestLog(limit: number): RequestLog {
  const ring: (ReceivedRequest | undefined)[] = Array.from({ length: limit }, () => undefined)
  const waiting: ((request: ReceivedRequest) => void)[] = []
  let count = 0
  return {
    add(request) {
      if (limit > 0) ring[count % limit] = request
      count += 1
      for (const resolve of waiting.splice(0)) resolve(request)
    },
    all: () => {
      const start = limit === 0 ? 0 : count % limit
      return [...ring.slice(start), ...ring.slice(0, start)].filter((request) => request !== undefined)
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
    clear() {
      ring.fill(undefined)
      count = 0
    },
  }
}
