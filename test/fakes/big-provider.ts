import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A provider of answers as large as the request says, made while they are sent; and what its clients must get. */
export type BigProvider = {
  readonly url: string
  /** Streams under way, how many of them wait for somebody to read, and the bytes of all streams so far. */
  readonly streams: () => { readonly open: number; readonly heldBack: number; readonly sentBytes: number }
  readonly close: () => void
}

/** `x-big-tokens: n`: a chat stream of n events. `x-big-bytes: n`: a chat completion with n bytes of text. */
export async function startBigProvider(): Promise<BigProvider> {
  let open = 0
  let heldBack = 0
  let sentBytes = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const hash = createHash('sha256')
    let tail = ''
    for await (const part of request) {
      hash.update(part)
      tail = (tail + String(part.subarray(-200))).slice(-200)
    }
    const head = { 'x-body-sha256': hash.digest('hex') }
    const tokens = Number(request.headers['x-big-tokens'] ?? 0)
    if (tokens === 0) {
      const body = bigCompletion(Number(request.headers['x-big-bytes'] ?? 0))
      response.writeHead(200, { ...head, 'content-type': 'application/json', 'content-length': body.length })
      response.end(body)
      return
    }
    open += 1
    response.once('close', () => (open -= 1))
    response.writeHead(200, { ...head, 'content-type': 'text/event-stream' })
    for (const part of tokenStream(tokens, tail.includes('"include_usage":true'))) {
      if (response.destroyed) return
      sentBytes += part.length
      if (response.write(part)) continue
      heldBack += 1
      await untilDrained(response)
      heldBack -= 1
    }
    response.end()
  }
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    streams: () => ({ open, heldBack, sentBytes }),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Waits until somebody reads, or nobody ever will. */
function untilDrained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.once('drain', done).once('close', done)
  })
}

const EVENTS_PER_PART = 500
const IDENTITY = '"id":"chatcmpl-big","object":"chat.completion.chunk","created":1,"model":"m-big"'
const PROMPT_TOKENS = 7

/** The bytes of a chat stream of so many tokens, in parts, with usage or (what a client sees that asked for none) without. */
export function* tokenStream(tokens: number, hasUsage: boolean): Generator<Buffer> {
  const ofUsage = hasUsage ? ',"usage":null' : ''
  const event = `data: {${IDENTITY},"choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}]${ofUsage}}\n\n`
  const part = Buffer.from(event.repeat(EVENTS_PER_PART))
  for (let left = tokens; left > 0; left -= EVENTS_PER_PART)
    yield left >= EVENTS_PER_PART ? part : Buffer.from(event.repeat(left))
  yield Buffer.from(`data: {${IDENTITY},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]${ofUsage}}\n\n`)
  const usage = `{"prompt_tokens":${PROMPT_TOKENS},"completion_tokens":${tokens},"total_tokens":${PROMPT_TOKENS + tokens}}`
  if (hasUsage) yield Buffer.from(`data: {${IDENTITY},"choices":[],"usage":${usage}}\n\n`)
  yield Buffer.from('data: [DONE]\n\n')
}

/** A chat completion whose text has so many bytes. */
export function bigCompletion(bytes: number): Buffer {
  const message = { role: 'assistant', content: 'All work and no play. '.repeat(Math.ceil(bytes / 22)).slice(0, bytes) }
  const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: Math.ceil(bytes / 4) }
  return Buffer.from(
    JSON.stringify({
      id: 'chatcmpl-big',
      object: 'chat.completion',
      created: 1,
      model: 'm-big',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
    }),
  )
}

/** The SHA-256 and the number of bytes of parts. */
export function digestOf(parts: Iterable<Buffer>): { readonly sha256: string; readonly bytes: number } {
  const hash = createHash('sha256')
  let bytes = 0
  for (const part of parts) {
    hash.update(part)
    bytes += part.length
  }
  return { sha256: hash.digest('hex'), bytes }
}
