import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'

/** An upstream that says who it is in `x-origin` and in the answer's id, and uses 1000 tokens in and 100 out. */
export type NamedOrigin = {
  readonly name: string
  readonly url: string
  /** Streams that have begun and wait for `finishStreams`. */
  readonly openStreams: () => number
  readonly finishStreams: () => void
  readonly close: () => void
}

/** Plain requests are answered at once; streams begin and then wait. */
export async function aNamedOrigin(name: string): Promise<NamedOrigin> {
  const open = new Set<ServerResponse>()
  const server = createServer((incoming, response) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text))
    incoming.once('end', () => {
      if (body.includes('"stream":true')) {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'x-origin': name })
        response.write(`data: ${JSON.stringify(chunk(name, null))}\n\n`)
        open.add(response)
      } else {
        response.writeHead(200, { 'content-type': 'application/json', 'x-origin': name })
        response.end(JSON.stringify(completion(name)))
      }
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    name,
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    openStreams: () => open.size,
    finishStreams: () => {
      for (const response of open) response.end(`data: ${JSON.stringify(chunk(name, 'stop'))}\n\ndata: [DONE]\n\n`)
      open.clear()
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function completion(name: string): object {
  return {
    id: `chatcmpl-${name}`,
    object: 'chat.completion',
    model: 'm-priced',
    choices: [{ index: 0, message: { role: 'assistant', content: name }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 },
  }
}

function chunk(name: string, finish_reason: string | null): object {
  return {
    id: `chatcmpl-${name}`,
    object: 'chat.completion.chunk',
    model: 'm-priced',
    choices: [{ index: 0, delta: { content: name }, finish_reason }],
  }
}
