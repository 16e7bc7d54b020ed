import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createMessageReader } from './http-message.ts'
import type { Head, Header } from './http-message.ts'

/** A response as it is on the wire, whole or as far as it came. */
export type RawAnswer = Head & {
  readonly status: number
  /** Interim responses (1xx) that came before it. */
  readonly interim: readonly Head[]
  readonly body: Buffer
  readonly trailers: readonly Header[]
  /** `open`: still coming. */
  readonly end: 'open' | 'whole' | 'cut'
}

type Growing = {
  head: Head
  interim: readonly Head[]
  chunks: Buffer[]
  trailers: readonly Header[]
  end: RawAnswer['end']
}

/** A client that sends the bytes it is told to and keeps what comes back: no library tidies up in between. */
export class RawClient {
  readonly socket: Socket
  readonly #methods: string[] = []
  readonly #answers: Growing[] = []
  readonly #watchers = new Set<() => void>()
  #interim: Head[] = []
  #current: Growing | undefined
  #closedHow: 'open' | 'ended' | 'reset' = 'open'

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: false })
    const reader = createMessageReader({
      head: (head) => this.#onHead(head),
      body: (bytes) => this.#current?.chunks.push(bytes),
      end: (trailers) => {
        if (this.#current === undefined) return
        this.#current.trailers = trailers
        this.#current.end = 'whole'
        this.#current = undefined
      },
    })
    this.socket.on('data', (bytes) => {
      reader.feed(bytes)
      this.#notify()
    })
    this.socket.on('error', () => {
      this.#closedHow = 'reset'
    })
    this.socket.on('close', () => {
      reader.closed()
      if (this.#current !== undefined) this.#current.end = 'cut'
      this.#current = undefined
      if (this.#closedHow === 'open') this.#closedHow = 'ended'
      this.#notify()
    })
  }

  /** `method` tells how to read the answer (HEAD has no body); undefined = more of a request already begun. */
  send(bytes: string | Uint8Array, method?: string): Promise<void> {
    if (method !== undefined) this.#methods.push(method)
    return new Promise((resolve) => void this.socket.write(bytes, () => resolve()))
  }

  /** All answers begun so far. */
  answers(): readonly RawAnswer[] {
    return this.#answers.map(({ head, interim, chunks, trailers, end }) => ({
      ...head,
      status: Number(head.line.split(' ')[1]),
      interim,
      // Put together only when looked at: a stream may come byte by byte.
      get body() {
        const body = Buffer.concat(chunks)
        chunks.splice(0, chunks.length, body)
        return body
      },
      trailers,
      end,
    }))
  }

  /** How the connection ended; `open` while it has not. */
  closedHow(): 'open' | 'ended' | 'reset' {
    return this.#closedHow
  }

  /** Resolves as soon as `isSo` holds; looks again after everything that arrives. Rejects when the connection ends without it. */
  until(isSo: (answers: readonly RawAnswer[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const answers = this.answers()
        if (isSo(answers)) resolve()
        else if (this.#closedHow !== 'open')
          reject(
            new Error(
              `the connection ended (${this.#closedHow}) with ${JSON.stringify(answers.map(({ line, end }) => [line, end]))}`,
            ),
          )
        else return
        this.#watchers.delete(look)
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** The n-th answer (from 0) once it is whole or cut. */
  async answer(n = 0): Promise<RawAnswer> {
    await this.until((answers) => answers[n] !== undefined && answers[n].end !== 'open')
    const answer = this.answers()[n]
    if (answer === undefined) throw new Error('unreachable')
    return answer
  }

  /** Waits for text in the n-th answer's body. */
  received(text: string, n = 0): Promise<void> {
    return this.until((answers) => answers[n]?.body.includes(text) === true)
  }

  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closedHow === 'open') this.#watchers.add(() => this.#closedHow !== 'open' && resolve())
      else resolve()
    })
  }

  #onHead(head: Head): 'by_headers' | 'until_close' | 'none' {
    const status = Number(head.line.split(' ')[1])
    if (status >= 100 && status < 200 && status !== 101) {
      this.#interim.push(head)
      return 'none'
    }
    const method = this.#methods.shift() ?? 'POST'
    this.#current = { head, interim: this.#interim, chunks: [], trailers: [], end: 'open' }
    this.#interim = []
    this.#answers.push(this.#current)
    if (method === 'HEAD' || status === 204 || status === 304) return 'none'
    const isFramed = head.headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
    return isFramed && status !== 101 ? 'by_headers' : 'until_close'
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

/** One request over a connection of its own; resolves when the answer is whole or cut. */
export async function exchangeRaw(port: number, request: string | Uint8Array, method = 'POST'): Promise<RawAnswer> {
  const client = new RawClient(port)
  await client.send(request, method)
  const answer = await client.answer()
  client.socket.destroy()
  return answer
}

/** A POST with a content length, every header as written. */
export function aPost(path: string, body: string | Buffer, headers: readonly Header[] = []): Buffer {
  const bytes = Buffer.from(body)
  const lines = [
    ['Host', 'client.example'] as const,
    ...headers,
    ['Content-Length', String(bytes.length)] as const,
  ].map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes])
}
