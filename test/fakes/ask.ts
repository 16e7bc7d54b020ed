import { request } from 'node:http'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'

export type Answered = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The parsed body; undefined when it is not JSON. */
  readonly json: unknown
}

export type Asked = {
  readonly method?: string
  /** As sent, `host` included, which `fetch` would not let through. */
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  readonly host?: string
}

/** One request over a connection of its own to 127.0.0.1, or to `host`. */
export function ask(port: number, path: string, asked: Asked = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body, host = '127.0.0.1' } = asked
    const outgoing = request({ host, port, path, method, headers, agent: false }, (response) => {
      text(response).then((received) => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: received,
          json: parseJson(received),
        })
      }, reject)
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
