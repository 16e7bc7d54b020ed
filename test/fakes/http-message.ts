/** One header line as on the wire. */
export type Header = readonly [name: string, value: string]

/** A request's or a response's head: its first line and its headers, in the order, case and number in which they came. */
export type Head = { readonly line: string; readonly headers: readonly Header[] }

/** What a reader of HTTP/1.1 messages reports. `body` gets bytes with their transfer coding taken off. */
export type MessageSink = {
  /** Says how the body of this message is framed: by its headers, by the connection's end, or that there is none. */
  readonly head: (head: Head) => 'by_headers' | 'until_close' | 'none'
  readonly body: (bytes: Buffer) => void
  readonly end: (trailers: readonly Header[]) => void
}

/** `closed` says whether the connection's end is also the end of a message, or cuts one in half. */
export type MessageReader = { readonly feed: (bytes: Buffer) => void; readonly closed: () => 'whole' | 'cut' }

type Stage =
  | { readonly kind: 'head' | 'size' | 'trailers' | 'until_close' }
  | { readonly kind: 'bytes'; left: number; readonly isChunk: boolean }

/** Reads HTTP/1.1 messages off a byte stream, one after another, without judging or normalising anything. */
export function createMessageReader(sink: MessageSink): MessageReader {
  let pending: Buffer = Buffer.alloc(0)
  let stage: Stage = { kind: 'head' }

  const take = (end: string): string | undefined => {
    const at = pending.indexOf(end)
    if (at < 0) return undefined
    const text = pending.toString('latin1', 0, at)
    pending = pending.subarray(at + end.length)
    return text
  }
  const readHead = (): boolean => {
    const text = take('\r\n\r\n')
    if (text === undefined) return false
    const [line = '', ...lines] = text.split('\r\n')
    const headers = lines.map(headerOf)
    const framing = sink.head({ line, headers })
    if (framing === 'until_close') stage = { kind: 'until_close' }
    else if (framing === 'by_headers' && isChunked(headers)) stage = { kind: 'size' }
    else {
      const length = framing === 'none' ? 0 : Number(valueOf(headers, 'content-length') ?? '0')
      if (length > 0) stage = { kind: 'bytes', left: length, isChunk: false }
      else sink.end([])
    }
    return true
  }
  const readSize = (): boolean => {
    const size = take('\r\n')
    if (size === undefined) return false
    const left = Number.parseInt(size, 16)
    stage = left === 0 ? { kind: 'trailers' } : { kind: 'bytes', left, isChunk: true }
    return true
  }
  const readBytes = (bytes: Extract<Stage, { kind: 'bytes' }>): boolean => {
    if (bytes.left > 0) {
      if (pending.length === 0) return false
      const chunk = pending.subarray(0, bytes.left)
      pending = pending.subarray(chunk.length)
      bytes.left -= chunk.length
      sink.body(chunk)
      if (bytes.left > 0) return false
    }
    if (bytes.isChunk && take('\r\n') === undefined) return false
    stage = { kind: bytes.isChunk ? 'size' : 'head' }
    if (!bytes.isChunk) sink.end([])
    return true
  }
  const readTrailers = (): boolean => {
    if (pending.subarray(0, 2).toString() === '\r\n') pending = pending.subarray(2)
    else {
      const text = take('\r\n\r\n')
      if (text === undefined) return false
      stage = { kind: 'head' }
      sink.end(text.split('\r\n').map(headerOf))
      return true
    }
    stage = { kind: 'head' }
    sink.end([])
    return true
  }
  const step = (): boolean => {
    switch (stage.kind) {
      case 'head':
        return readHead()
      case 'size':
        return readSize()
      case 'bytes':
        return readBytes(stage)
      case 'trailers':
        return readTrailers()
      case 'until_close':
        if (pending.length > 0) sink.body(pending)
        pending = Buffer.alloc(0)
        return false
    }
  }
  return {
    feed: (bytes) => {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      while (pending.length > 0 && step());
    },
    closed: () => {
      if (stage.kind === 'until_close') sink.end([])
      return stage.kind === 'until_close' || (stage.kind === 'head' && pending.length === 0) ? 'whole' : 'cut'
    },
  }
}

/** The first value of that header, by any case of its name. */
export function valueOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1]
}

function headerOf(line: string): Header {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

function isChunked(headers: readonly Header[]): boolean {
  return valueOf(headers, 'transfer-encoding')?.toLowerCase().includes('chunked') === true
}
