import { connect } from 'node:net'
import { createMessageReader } from './http-message.ts'

/** What one connection got for the bytes it sent. */
export type Reply = {
  readonly bytes: Buffer
  /** Of the final answers, in order; one that is not whole counts too. */
  readonly statuses: readonly number[]
  /** `answered`: all answers that were waited for came, and the client closed. */
  readonly end: 'answered' | 'closed' | 'reset'
}

export type Sending = {
  /** Answers to wait for before the client closes. */
  readonly answers?: number
  /** The client resets the connection as soon as the bytes are sent: nothing is waited for. */
  readonly isAbrupt?: boolean
  /** How answers are framed: HEAD has no body. */
  readonly method?: string
  readonly boundMs?: number
}

/**
 * Sends `bytes` over a connection of its own and waits until it is answered or closed. Rejects when neither happens in
 * time, which is what no client may ever see.
 */
export function sendHostile(port: number, bytes: Uint8Array, sending: Sending = {}): Promise<Reply> {
  const { answers = 1, isAbrupt = false, method = 'GET', boundMs = 8_000 } = sending
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const statuses: number[] = []
    let whole = 0
    let isReset = false
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const timer = setTimeout(() => {
      reject(new Error(`neither answered nor closed within ${boundMs} ms: ${escapeBytes(bytes).slice(0, 2000)}`))
      socket.destroy()
    }, boundMs)
    const settle = (end: Reply['end']): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ bytes: Buffer.concat(chunks), statuses, end })
    }
    const reader = createMessageReader({
      head: ({ line }) => {
        const status = Number(line.split(' ')[1])
        if (status >= 100 && status < 200 && status !== 101) return 'none'
        statuses.push(status)
        if (status === 101) {
          setImmediate(settle, 'answered')
          return 'until_close'
        }
        if (method === 'HEAD' || status === 204 || status === 304) return 'none'
        return 'by_headers'
      },
      body: () => undefined,
      end: () => {
        if (statuses.length > whole) whole = statuses.length
        if (whole >= answers) setImmediate(settle, 'answered')
      },
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      reader.feed(chunk)
    })
    socket.on('error', () => {
      isReset = true
    })
    socket.on('close', () => settle(isReset ? 'reset' : 'closed'))
    if (!isAbrupt) socket.write(bytes)
    else
      socket.write(bytes, () => {
        socket.resetAndDestroy()
        settle('closed')
      })
  })
}

/** Bytes as text that can be pasted into a corpus file. */
export function escapeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/[^\x20-\x5b\x5d-\x7e]/g, (character) => {
      if (character === '\r') return '\\r'
      if (character === '\n') return '\\n'
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    })
}

/** Undoes `escapeBytes`; `{70000*a}` stands for 70 000 times `a`, and `{MARK}` for what `marks` has under that name. */
export function unescapeBytes(text: string, marks: Readonly<Record<string, string>> = {}): Buffer {
  const marked = text.replace(/\{([A-Z_]+)\}/g, (whole, name: string) => marks[name] ?? whole)
  const repeated = marked.replace(/\{(\d+)\*([^}]+)\}/g, (_, count: string, part: string) => part.repeat(Number(count)))
  const raw = repeated.replace(/\\(r|n|x[0-9a-f]{2})/g, (_, code: string) => {
    if (code === 'r') return '\r'
    if (code === 'n') return '\n'
    return String.fromCharCode(Number.parseInt(code.slice(1), 16))
  })
  return Buffer.from(raw, 'latin1')
}
