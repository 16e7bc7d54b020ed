import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { decodeSpans } from './otlp-decode.ts'
import type { DecodedSpan } from './otlp-decode.ts'

/** One export as the collector got it. */
export type OtlpExport = {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly spans: readonly DecodedSpan[]
}

/** A collector: takes OTLP over HTTP in protobuf and decodes it by the published schema. */
export type OtlpReceiver = {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT is set to. */
  readonly url: string
  readonly port: number
  readonly exports: readonly OtlpExport[]
  readonly spans: () => readonly DecodedSpan[]
  /** Waits until `count` spans have come. */
  readonly received: (count: number) => Promise<readonly DecodedSpan[]>
  /** How exports are answered from now on: with a status, or not at all. */
  readonly answerWith: (status: number | 'nothing') => void
  readonly close: () => Promise<void>
}

const PATIENCE_MS = 20_000

/** Starts it on a free port, or again on the port of one that has gone. */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const exports: OtlpExport[] = []
  let answer: number | 'nothing' = 200
  let wake = (): void => undefined
  const server = createServer((request, response) => {
    void take(request, response)
  })
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (answer === 'nothing') return
    if (answer === 200) {
      const body = Buffer.concat(chunks)
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
      exports.push({ path: request.url ?? '', headers: request.headers, spans: decodeSpans(bytes) })
      wake()
    }
    response.writeHead(answer, { 'content-type': 'application/x-protobuf' }).end()
  }
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver listens on no port')
  const spans = (): readonly DecodedSpan[] => exports.flatMap((one) => one.spans)
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    exports,
    spans,
    received: async (count) => {
      const deadline = AbortSignal.timeout(PATIENCE_MS)
      while (spans().length < count) {
        const next = new Promise<void>((resolve) => {
          wake = resolve
          deadline.addEventListener('abort', () => resolve(), { once: true })
        })
        if (deadline.aborted)
          throw new Error(
            `expected ${count} spans, have ${spans()
              .map((span) => span.name)
              .join(', ')}`,
          )
        await next
      }
      return spans()
    },
    answerWith: (next) => {
      answer = next
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
