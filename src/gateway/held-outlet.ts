import type { RawHeaders } from '../domain/request.ts'
import type { Outlet } from './outlet.ts'
import { withoutHeaders } from './without-account.ts'

type Head = {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
}

/**
 * An outlet that lets nothing through before `commit`: until then another answer can still be given. What it has been
 * told it tells the real outlet then, in the same order, and from then on it hands everything on.
 */
export class HeldOutlet implements Outlet {
  readonly #open: () => Outlet
  /** A chunk has come and is held: the moment to commit, if ever. */
  readonly #onChunk: () => void
  #outlet: Outlet | undefined
  #head: Head | undefined
  #chunks: Buffer[] = []
  #bytes = 0
  /** The first of the chunks that wait for `releaseHeld`, committed or not. */
  #heldFrom: number | undefined
  #trailers: RawHeaders | undefined
  #mayContinue = true

  constructor(open: () => Outlet, onChunk: () => void) {
    this.#open = open
    this.#onChunk = onChunk
  }

  /** Of the answer as it would go to the client. */
  get headers(): readonly string[] {
    return this.#head?.headers ?? []
  }

  get heldBytes(): number {
    return this.#bytes
  }

  /** What has come of the body so far, as it came; empty once committed. */
  chunks(): readonly Buffer[] {
    return this.#chunks
  }

  get isCommitted(): boolean {
    return this.#outlet !== undefined
  }

  /**
   * Lets everything through that has come, `ownHeaders` with the head; with `keepsBody` the body only at `releaseHeld`,
   * and own headers take the place of the upstream's of the same name.
   * Throws on a head that cannot be sent on: then nothing has been.
   */
  commit(ownHeaders: readonly string[], keepsBody = false): void {
    const head = this.#head
    if (this.#outlet !== undefined || head === undefined) return
    const outlet = this.#open()
    const headers = keepsBody ? unlessNamed(head.headers, ownHeaders) : head.headers
    outlet.head(head.status, head.statusText, headers, ownHeaders)
    this.#outlet = outlet
    const chunks = this.#chunks
    const heldFrom = keepsBody ? 0 : this.#heldFrom
    this.#chunks = []
    if (chunks.length === 0 && heldFrom === undefined) outlet.flushHeadSoon()
    chunks.forEach((chunk, index) => {
      if (index === heldFrom) outlet.hold()
      this.#mayContinue = outlet.write(chunk)
    })
    if (heldFrom === chunks.length) outlet.hold()
    if (this.#trailers !== undefined) outlet.end(this.#trailers)
  }

  head(status: number, statusText: string, headers: readonly string[]): void {
    this.#head = { status, statusText, headers }
  }

  flushHeadSoon(): void {
    this.#outlet?.flushHeadSoon()
  }

  write(chunk: Buffer): boolean {
    if (this.#outlet !== undefined) return this.#outlet.write(chunk)
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    this.#onChunk()
    return this.#mayContinue
  }

  hold(): void {
    if (this.#outlet === undefined) this.#heldFrom ??= this.#chunks.length
    else this.#outlet.hold()
  }

  releaseHeld(): void {
    this.#outlet?.releaseHeld()
  }

  end(trailers: RawHeaders): void {
    if (this.#outlet === undefined) this.#trailers = trailers
    else this.#outlet.end(trailers)
  }

  isPlain(): boolean {
    return this.#outlet?.isPlain() === true
  }

  finishWith(text: string): void {
    this.#outlet?.finishWith(text)
  }

  destroyAfterHeld(): void {
    this.#outlet?.destroyAfterHeld()
  }
}

/** `headers` without those that `others` has too. */
function unlessNamed(headers: readonly string[], others: readonly string[]): readonly string[] {
  return withoutHeaders(headers, new Set(others.filter((_, index) => index % 2 === 0)))
}
