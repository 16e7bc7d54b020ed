import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Fixed by RFC 6455, section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa
const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** Accepts a WebSocket and sends every message back as it came; `onEnd` is called when the connection is gone. */
export function echoWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, onEnd: () => void): void {
  socket.on('error', () => socket.destroy())
  socket.on('close', onEnd)
  const key = request.headers['sec-websocket-key']
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    return
  }
  const protocol = request.headers['sec-websocket-protocol']?.split(',')[0]?.trim()
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${hash('sha1', key + WEBSOCKET_GUID, 'base64')}\r\n` +
      (protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`) +
      '\r\n',
  )
  let pending = head
  const read = (bytes: Buffer): void => {
    pending = Buffer.concat([pending, bytes])
    for (let frame = readFrame(pending); frame !== undefined; frame = readFrame(pending)) {
      if (frame === 'too_large') return void socket.destroy()
      pending = pending.subarray(frame.length)
      answer(frame, socket)
    }
  }
  socket.on('data', read)
  read(Buffer.alloc(0))
}

type ClientFrame = { readonly first: number; readonly payload: Buffer; readonly length: number }

/** The frame at the start of `bytes`, unmasked; undefined while it is not all there. */
function readFrame(bytes: Buffer): ClientFrame | 'too_large' | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes.readUInt8(1) & 0x7f
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  if (bytes.length < 2 + lengthBytes) return undefined
  const size = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (size > MAX_FRAME_BYTES) return 'too_large'
  const start = 2 + lengthBytes + 4
  if (bytes.length < start + size) return undefined
  const mask = bytes.subarray(start - 4, start)
  const payload = Buffer.from(bytes.subarray(start, start + size))
  for (let index = 0; index < size; index += 1) payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0)
  return { first: bytes.readUInt8(0), payload, length: start + size }
}

function answer({ first, payload }: ClientFrame, socket: Duplex): void {
  const operation = first & 0x0f
  if (operation === PONG) return
  socket.write(serverFrame(operation === PING ? 0x80 | PONG : first, payload))
  if (operation === CLOSE) socket.end()
}

/** Servers do not mask. */
function serverFrame(first: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10)
  head.writeUInt8(first, 0)
  if (head.length === 2) head.writeUInt8(payload.length, 1)
  else if (head.length === 4) {
    head.writeUInt8(126, 1)
    head.writeUInt16BE(payload.length, 2)
  } else {
    head.writeUInt8(127, 1)
    head.writeBigUInt64BE(BigInt(payload.length), 2)
  }
  return Buffer.concat([head, payload])
}
