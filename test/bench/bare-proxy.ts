import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { Agent } from 'undici'

/**
 * The least that a proxy on Node can do, and the yardstick of the bench: read the body, `dispatch` it, write what comes
 * back straight to the response, with backpressure and cancelling. No routes, no records, no limits.
 */
const { values } = parseArgs({ options: { port: { type: 'string' }, upstream: { type: 'string', default: '' } } })
const upstream = values.upstream
const agent = new Agent({ connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => forward(request, response, parts.length === 1 ? parts[0] : Buffer.concat(parts)))
})
server.keepAliveTimeout = 0
server.listen(Number(values.port), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer | undefined): void {
  const headers: string[] = []
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? ''
    if (!isHopByHop(name)) headers.push(name, request.rawHeaders[index + 1] ?? '')
  }
  agent.dispatch(
    {
      origin: upstream,
      path: request.url ?? '/',
      method: request.method === 'POST' ? 'POST' : 'GET',
      headers,
      body: body ?? null,
    },
    {
      onRequestStart(controller) {
        response.on('close', () => {
          if (!response.writableFinished) controller.abort(new Error('the client went away'))
        })
        response.on('drain', () => controller.resume())
      },
      onResponseStart(controller, status) {
        const raw: readonly (Buffer | string)[] = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : []
        const kept: string[] = []
        for (let index = 0; index < raw.length; index += 2) {
          const name = String(raw[index])
          if (!isHopByHop(name)) kept.push(name, String(raw[index + 1]))
        }
        response.writeHead(status, kept)
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause()
      },
      onResponseEnd() {
        response.end()
      },
      onResponseError(_controller, error) {
        if (response.headersSent) response.destroy(error)
        else response.writeHead(502).end()
      },
    },
  )
}

/** Headers that belong to one connection, and those that the next hop computes for itself. */
function isHopByHop(name: string): boolean {
  switch (name.toLowerCase()) {
    case 'connection':
    case 'keep-alive':
    case 'transfer-encoding':
    case 'host':
      return true
    default:
      return false
  }
}
