import { createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { PLAIN_ANSWER, STREAM_HEAD, streamEvents } from './wire.ts'

/**
 * A provider that costs next to nothing, in a process of its own: prebuilt answers straight on the socket, so that what
 * the bench measures is the proxy. Knows exactly the two requests of wire.ts, and nothing of HTTP beyond them.
 */
const frames = (withUsage: boolean): readonly Buffer[] =>
  streamEvents(withUsage).map((event) => Buffer.from(`${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`))
const FRAMES = { plain: frames(false), withUsage: frames(true) }
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')

const { values } = parseArgs({ options: { port: { type: 'string' } } })

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer | undefined
  socket.on('error', () => socket.destroy())
  socket.on('data', (data) => {
    pending = answerAll(socket, pending === undefined ? data : Buffer.concat([pending, data]))
  })
})
server.listen(Number(values.port), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))

/** Answers each whole request in `received`; returns what is left of it, or undefined when nothing is. */
function answerAll(socket: Socket, received: Buffer): Buffer | undefined {
  let rest = received
  while (rest.length > 0) {
    const bodyStart = rest.indexOf(HEAD_END) + HEAD_END.length
    if (bodyStart < HEAD_END.length) return rest
    const end = bodyEnd(rest, bodyStart)
    if (end === undefined) return rest
    answer(socket, rest.toString('latin1', bodyStart, end))
    rest = rest.subarray(end)
  }
  return undefined
}

/** Where the body of the request ends, or undefined while it is still coming. */
function bodyEnd(request: Buffer, bodyStart: number): number | undefined {
  const head = request.toString('latin1', 0, bodyStart).toLowerCase()
  const lengthAt = head.indexOf('\r\ncontent-length:')
  if (lengthAt >= 0) {
    const end = bodyStart + Number.parseInt(head.slice(lengthAt + 17), 10)
    return end <= request.length ? end : undefined
  }
  if (!head.includes('\r\ntransfer-encoding:')) return bodyStart
  const last = request.indexOf(LAST_CHUNK, bodyStart)
  return last < 0 ? undefined : last + LAST_CHUNK.length
}

function answer(socket: Socket, body: string): void {
  if (!body.includes('"stream":true')) {
    socket.write(PLAIN_ANSWER)
    return
  }
  const paceMs = Number(/"seed":(\d+)/.exec(body)?.[1] ?? 0)
  const events = body.includes('"include_usage":true') ? FRAMES.withUsage : FRAMES.plain
  socket.write(Buffer.concat([STREAM_HEAD, events[0] ?? LAST_CHUNK]))
  let sent = 1
  const timer = setInterval(() => {
    const event = events[sent++]
    if (socket.destroyed || event === undefined) {
      clearInterval(timer)
      if (!socket.destroyed) socket.write(LAST_CHUNK)
    } else {
      socket.write(event)
    }
  }, paceMs)
}
