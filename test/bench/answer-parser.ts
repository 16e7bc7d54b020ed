/** What one feed of bytes did to the answer being read. */
export type Fed = { readonly isDone: boolean; readonly sawBody: boolean }

const HEAD_END = Buffer.from('\r\n\r\n')
const STILL_READING: Fed = { isDone: false, sawBody: false }

/**
 * Reads one HTTP/1.1 answer after another from a keep-alive connection, without pipelining: enough HTTP for a load
 * client that must cost less than what it measures. Throws on anything else than an answer with a length or chunks.
 */
export type AnswerParser = {
  readonly feed: (bytes: Buffer) => Fed
  /** Status and body length (chunk framing taken off) of the answer just done. */
  readonly last: () => { readonly status: number; readonly bodyBytes: number }
}

export function createAnswerParser(): AnswerParser {
  let head: Buffer | undefined
  let state: 'head' | 'length' | 'chunk_size' | 'chunk' | 'trailer' = 'head'
  let status = 0
  let bodyBytes = 0
  /** Bytes that the current body or chunk still lacks, the chunk's CRLF included. */
  let missing = 0
  let sizeLine = ''

  function readHead(bytes: Buffer): number {
    const joined = head === undefined ? bytes : Buffer.concat([head, bytes])
    const end = joined.indexOf(HEAD_END)
    if (end < 0) {
      head = joined
      return bytes.length
    }
    const text = joined.toString('latin1', 0, end + 2).toLowerCase()
    const consumed = end + HEAD_END.length - (joined.length - bytes.length)
    head = undefined
    status = Number(text.slice(9, 12))
    bodyBytes = 0
    const lengthAt = text.indexOf('\r\ncontent-length:')
    if (lengthAt >= 0) {
      missing = Number.parseInt(text.slice(lengthAt + 17), 10)
      state = 'length'
    } else if (text.includes('\r\ntransfer-encoding: chunked')) {
      sizeLine = ''
      state = 'chunk_size'
    } else {
      throw new Error(`neither content-length nor chunks in the answer: ${text}`)
    }
    return consumed
  }

  function readLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(10, from)
    sizeLine += bytes.toString('latin1', from, end < 0 ? bytes.length : end)
    if (end < 0) return bytes.length
    const line = sizeLine.trim()
    sizeLine = ''
    if (state === 'trailer') {
      if (line === '') state = 'head'
    } else {
      const size = Number.parseInt(line, 16)
      if (Number.isNaN(size)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
      bodyBytes += size
      missing = size + 2
      state = size === 0 ? 'trailer' : 'chunk'
    }
    return end + 1
  }

  function feed(bytes: Buffer): Fed {
    let at = 0
    let sawBody = false
    while (at < bytes.length) {
      if (state === 'head') {
        at = readHead(bytes)
        if (state === 'head') return STILL_READING
        if (state === 'length' && missing === 0) state = 'head'
      } else if (state === 'chunk_size' || state === 'trailer') {
        at = readLine(bytes, at)
      } else {
        const taken = Math.min(missing, bytes.length - at)
        sawBody = true
        missing -= taken
        at += taken
        if (state === 'length') bodyBytes += taken
        if (missing === 0) state = state === 'length' ? 'head' : 'chunk_size'
      }
      if (state === 'head') {
        if (at < bytes.length) throw new Error(`${bytes.length - at} bytes after the end of an answer`)
        return { isDone: true, sawBody }
      }
    }
    return { isDone: false, sawBody }
  }

  return { feed, last: () => ({ status, bodyBytes }) }
}
