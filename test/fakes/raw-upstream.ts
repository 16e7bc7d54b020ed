import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createMessageReader } from './http-message.ts'
import type { Head, Header } from './http-message.ts'

/** One request at the raw upstream, handed over as soon as its head is there. */
export type RawCall = Head & {
  readonly socket: Socket
  /** The whole body, its chunked coding taken off. Never settles when the client leaves first. */
  readonly body: Promise<Buffer>
  /** Body bytes received so far. */
  readonly received: () => number
  readonly trailers: () => readonly Header[]
  /** When the connection was closed, on the clock of `performance.now()`. */
  readonly closed: Promise<number>
  /** Writes bytes as they are; resolves when the kernel has them. */
  readonly write: (bytes: string | Uint8Array) => Promise<void>
}

/** A provider whose every byte and its timing the test decides: TCP, with nothing between test and wire. */
export type RawUpstream = {
  readonly url: string
  readonly port: number
  /** Calls so far, oldest first. */
  readonly calls: readonly RawCall[]
  /** Takes away the calls so far, so that a long test does not keep them all. */
  readonly takeCalls: () => readonly RawCall[]
  /** The next call to arrive. */
  readonly next: () => Promise<RawCall>
  /** Serves every call from now on. */
  readonly serve: (answer: (call: RawCall) => void | Promise<void>) => void
  readonly connections: () => number
  readonly close: () => Promise<void>
}

export async function startRawUpstream(): Promise<RawUpstream> {
  const calls: RawCall[] = []
  const waiting: ((call: RawCall) => void)[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  let answer: (call: RawCall) => void | Promise<void> = () => undefined
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.setNoDelay(true).on('error', () => undefined)
    const closed = new Promise<number>((resolve) => {
      socket.once('close', () => {
        sockets.delete(socket)
        resolve(performance.now())
      })
    })
    readCalls(socket, closed, (call) => {
      calls.push(call)
      for (const resolve of waiting.splice(0)) resolve(call)
      void answer(call)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    takeCalls: () => calls.splice(0),
    next: () => new Promise((resolve) => waiting.push(resolve)),
    serve: (next) => {
      answer = next
    },
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function readCalls(socket: Socket, closed: Promise<number>, onCall: (call: RawCall) => void): void {
  let chunks: Buffer[] = []
  let received = 0
  let trailers: readonly Header[] = []
  let whole: (body: Buffer) => void = () => undefined
  const reader = createMessageReader({
    head: (head) => {
      chunks = []
      received = 0
      trailers = []
      const body = new Promise<Buffer>((resolve) => {
        whole = resolve
      })
      const call: RawCall = {
        ...head,
        socket,
        body,
        received: () => received,
        trailers: () => trailers,
        closed,
        write: (bytes) => new Promise((resolve) => void socket.write(bytes, () => resolve())),
      }
      setImmediate(onCall, call)
      return 'by_headers'
    },
    body: (bytes) => {
      received += bytes.length
      chunks.push(bytes)
    },
    end: (last) => {
      trailers = last
      whole(Buffer.concat(chunks))
    },
  })
  socket.on('data', reader.feed)
}

/** A whole answer with a content length. */
export function plain(body: string | Buffer, head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json'): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([Buffer.from(`${head}\r\ncontent-length: ${bytes.length}\r\n\r\n`, 'latin1'), bytes])
}

export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'

/** Bytes as one chunk of the chunked coding; without bytes, the last chunk. */
export function chunk(bytes: string | Uint8Array = ''): Buffer {
  const content = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')])
}
