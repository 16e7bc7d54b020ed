import type { ServerResponse } from 'node:http'
import type { Transform } from 'node:stream'
import type { UsageSplice } from '../dialects/usage-splice.ts'
import type { RawHeaders } from '../domain/request.ts'
import { decoderFor } from './encoding.ts'

/** What the bytes go through on their way: the splice that takes the asked-for usage out again. */
export type OutletFilter = { readonly splice: UsageSplice; readonly encoding: string }

/** The client's end of an answer: writes with backpressure, and can hold the last bytes back. */
export type Outlet = {
  readonly head: (status: number, statusText: string, headers: readonly string[], ownHeaders: readonly string[]) => void
  /** Sends the head at the end of this turn unless a body byte took it along, or it is all there is and must wait. */
  readonly flushHeadSoon: () => void
  /** False = the client is behind; `onDrain` tells when it has caught up. */
  readonly write: (chunk: Buffer) => boolean
  /** From now on bytes are kept until `releaseHeld`. */
  readonly hold: () => void
  readonly releaseHeld: () => void
  /** The upstream has said everything. The response ends when nothing is held any more. */
  readonly end: (trailers: RawHeaders) => void
  /** Whether the client reads these bytes as they are (not compressed), so that text can be added. */
  readonly isPlain: () => boolean
  readonly finishWith: (text: string) => void
  /** Writes what is held, then cuts the connection: the client must not take this for a whole answer. */
  readonly destroyAfterHeld: () => void
}

/** `onUndecodable`: the answer is not what its `content-encoding` says, so no more of it can be passed on. */
export function createOutlet(
  response: ServerResponse,
  filter: OutletFilter | undefined,
  onDrain: () => void,
  onUndecodable: () => void,
): Outlet {
  let held: Buffer[] | undefined
  let hasEnded = false
  let isWaiting = false
  let sent: readonly string[] = []
  const decoder = filter === undefined ? undefined : decoderFor(filter.encoding)
  const drained = (): void => {
    isWaiting = false
    onDrain()
  }
  const awaitDrain = (): false => {
    if (!isWaiting) {
      isWaiting = true
      response.once('drain', drained)
    }
    return false
  }
  const push = (chunk: Buffer): boolean => {
    if (held !== undefined) {
      held.push(chunk)
      return true
    }
    return response.write(chunk) || awaitDrain()
  }
  const pushAll = (chunks: readonly Buffer[]): boolean => {
    let mayContinue = true
    for (const chunk of chunks) mayContinue = push(chunk) && mayContinue
    return mayContinue
  }
  const finish = (): void => {
    if (held !== undefined || !hasEnded || response.destroyed) return
    response.end()
  }
  if (decoder !== undefined && filter !== undefined) {
    decoder.on('error', onUndecodable)
    connectDecoder(decoder, response, (chunk) => pushAll(filter.splice.feed(chunk)))
  }
  return {
    head: (status, statusText, headers, ownHeaders) => {
      sent = headers
      response.sendDate = false // the upstream's own Date goes through; where it sent none, neither do we
      response.writeHead(status, statusText, [...headers, ...ownHeaders])
    },
    flushHeadSoon: () => {
      setImmediate(() => {
        if (held === undefined && !response.destroyed && !response.writableEnded) response.flushHeaders()
      })
    },
    write: (chunk) => {
      if (response.destroyed) return true
      if (filter === undefined) return push(chunk)
      if (decoder === undefined) return pushAll(filter.splice.feed(chunk))
      if (decoder.write(chunk)) return true
      decoder.once('drain', drained)
      return false
    },
    hold: () => {
      held ??= []
    },
    releaseHeld: () => {
      const chunks = held ?? []
      held = undefined
      if (response.destroyed) return
      if (hasEnded && chunks.length === 1) {
        response.end(chunks[0]) // one segment for the last bytes and the end
        return
      }
      for (const chunk of chunks) response.write(chunk)
      finish()
    },
    end: (trailers) => {
      const ended = (): void => {
        if (filter !== undefined) pushAll(filter.splice.flush())
        if (trailers.length > 0 && !response.destroyed) response.addTrailers(pairs(trailers))
        hasEnded = true
        finish()
      }
      if (decoder === undefined) ended()
      else decoder.once('close', ended).end()
    },
    isPlain: () => headerValue(sent, 'content-encoding') === '' && !response.destroyed,
    finishWith: (text) => {
      for (const chunk of held ?? []) response.write(chunk)
      held = undefined
      response.end(text)
    },
    destroyAfterHeld: () => {
      const chunks = [...(held ?? []), ...(filter?.splice.flush() ?? [])] // half an event too: direct, it would have come
      held = undefined
      if (response.destroyed) return
      // Bytes still on their way to the client are let through first: it gets all that the upstream sent, then the cut.
      response.write(Buffer.concat(chunks), () => response.destroy())
    },
  }
}

function connectDecoder(decoder: Transform, response: ServerResponse, push: (chunk: Buffer) => boolean): void {
  decoder.on('data', (chunk: Buffer) => {
    if (push(chunk)) return
    decoder.pause()
    response.once('drain', () => decoder.resume())
  })
  response.once('close', () => decoder.destroy())
}

function headerValue(headers: readonly string[], name: string): string {
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i]?.toLowerCase() === name) return headers[i + 1] ?? ''
  return ''
}

function pairs(raw: RawHeaders): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) out.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return out
}
