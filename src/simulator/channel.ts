import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { streamEncoder } from './content-encoding.ts'
import type { Encoding } from './faults.ts'

/** One answer on its way out, at the pace and in the pieces that were asked for. Never throws; stops when the client leaves. */
export type Channel = {
  /** False when the client left meanwhile. */
  readonly wait: (ms: number) => Promise<boolean>
  /** Sends the head at once, before there is any body. */
  readonly head: (status: number, headers: readonly string[]) => void
  /** Waits while the client reads slower than we write. False when it left. */
  readonly send: (bytes: Buffer | string) => Promise<boolean>
  /** Ends the HTTP message properly. */
  readonly finish: () => Promise<void>
  /** What was sent goes out, then the connection breaks: closed, or with a TCP RST. */
  readonly cut: (how: 'cut' | 'reset') => Promise<void>
  /** Something that is not HTTP, then the connection closes. */
  readonly babble: (text: string) => void
}

export type ChannelOptions = {
  /** Compresses what is sent, so that each piece can be read at once. */
  readonly encoding: Encoding | undefined
  readonly splitBytes: number | undefined
  readonly pauseMs: number | undefined
  /** Each `send` is a write in a turn of its own; otherwise those of one turn travel together. */
  readonly isUnbuffered: boolean
  /** Called before the simulator itself breaks the connection. */
  readonly onBreak: () => void
}

export function openChannel(response: ServerResponse, options: ChannelOptions): Channel {
  // A client that resets the connection is an everyday event here; `close` tells everything that matters.
  response.on('error', () => undefined)
  const encoder = options.encoding === undefined ? undefined : streamEncoder(options.encoding)
  const ready: Buffer[] = []
  encoder?.stream.on('data', (chunk: Buffer) => ready.push(chunk))
  const isOpen = (): boolean => !response.destroyed

  const write = async (bytes: Buffer | string): Promise<boolean> => {
    if (!isOpen()) return false
    if (!response.write(bytes)) await eitherOf(response, 'drain', 'close')
    return isOpen()
  }

  const encoded = async (bytes: Buffer | string): Promise<Buffer | string> => {
    if (encoder === undefined) return bytes
    const { stream, flushKind } = encoder
    stream.write(bytes)
    await new Promise<void>((resolve) => stream.flush(flushKind, resolve))
    return Buffer.concat(ready.splice(0))
  }

  const wait = (ms: number): Promise<boolean> => {
    if (ms <= 0) return Promise.resolve(isOpen())
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        response.off('close', done)
        resolve(isOpen())
      }
      const timer = setTimeout(done, ms)
      response.once('close', done)
    })
  }

  const sendEncoded = async (bytes: Buffer | string): Promise<boolean> => {
    const { splitBytes, pauseMs, isUnbuffered } = options
    if (splitBytes === undefined && pauseMs === undefined && !isUnbuffered) return write(bytes)
    const whole = Buffer.from(bytes)
    const step = splitBytes ?? (pauseMs === undefined ? whole.length : DRIP_BYTES)
    for (let start = 0; start < whole.length; start += step) {
      if (!(await write(whole.subarray(start, start + step)))) return false
      if (pauseMs === undefined) await nextTurn()
      else if (!(await wait(pauseMs))) return false
    }
    return isOpen()
  }

  return {
    wait,
    head(status, headers) {
      response.writeHead(status, [
        ...headers,
        ...(options.encoding === undefined ? [] : ['Content-Encoding', options.encoding]),
      ])
      response.flushHeaders()
    },
    send: async (bytes) => sendEncoded(await encoded(bytes)),
    async finish() {
      if (encoder !== undefined) {
        encoder.stream.end()
        await once(encoder.stream, 'end')
        if (!(await sendEncoded(Buffer.concat(ready.splice(0))))) return
      }
      response.end()
    },
    async cut(how) {
      options.onBreak()
      // Writes of this turn are handed to the socket at its end; a break before that would swallow them.
      await nextTurn()
      if (how === 'reset') response.socket?.resetAndDestroy()
      else response.socket?.destroy()
    },
    babble(text) {
      options.onBreak()
      response.socket?.end(text, () => response.socket?.destroy())
    },
  }
}

/** Resolves with the first of the two events and leaves no listener behind. */
function eitherOf(response: ServerResponse, one: string, other: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off(one, done)
      response.off(other, done)
      resolve()
    }
    response.on(one, done)
    response.on(other, done)
  })
}

/** Bytes per write of a slow drip. */
const DRIP_BYTES = 16
