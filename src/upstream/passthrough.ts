import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Transform, pipeline } from 'node:stream'
import { createProxyMiddleware, proxyEventsPlugin } from 'http-proxy-middleware'
import type { Provider } from '../domain/policy.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'
import type { CallStage } from './failure.ts'
import { upstreamFailure } from './failure.ts'
import { connectionNamed, isForwarded, ownHeaders } from './headers.ts'

/** What relaying one request reports; see the gateway's own description of it. */
type WebSink = {
  readonly head: (status: number, headers: RawHeaders) => string[]
  readonly received: (count: number) => void
  readonly bytes: (count: number) => void
  readonly end: (release: () => void) => void
  readonly failed: (failure: UpstreamFailure) => void
}

type UpgradeSink = {
  readonly head: (status: number) => void
  readonly closed: (bytes: { readonly received: number; readonly sent: number }, failure: UpstreamFailure | undefined) => void
}

type Job = {
  readonly provider: Provider
  readonly upstreamPath: string
  readonly web: WebSink | undefined
  /** How far the call has come, for the error that may follow. */
  stage: CallStage
  /** The last error of an upgraded connection. */
  failure: UpstreamFailure | undefined
  upgraded: UpgradeSink | undefined
}

/**
 * Relays what the proxy does not read: any method and path, uploads, WebSocket upgrades; bodies are streamed both
 * ways. Target and path come from the recognition, never from the request line.
 */
export function createPassThrough() {
  const jobs = new WeakMap<IncomingMessage, Job>()
  const relay = createProxyMiddleware<IncomingMessage, ServerResponse>({
    changeOrigin: true,
    ejectPlugins: true, // no error page and log of its own: errors are answered in the client's dialect
    plugins: [proxyEventsPlugin],
    selfHandleResponse: true, // the last bytes wait for the record
    router: (request, _response, options) => {
      const job = jobOf(jobs, request)
      options.proxyTimeout = Math.max(job.provider.firstByteTimeoutMs, job.provider.idleTimeoutMs)
      options.upgradeTimeout = job.provider.firstByteTimeoutMs
      return job.provider.baseUrl
    },
    pathRewrite: (_path, request) => jobOf(jobs, request).upstreamPath,
    on: {
      proxyReq: (outgoing, request) => {
        const job = jobOf(jobs, request)
        watchConnecting(outgoing, job)
        // Here and not earlier: the relay pipes the body in this same turn, and a listener on its own would let it run off.
        request.on('data', (chunk: Buffer) => job.web?.received(chunk.length))
      },
      proxyReqWs: (outgoing, request) => watchUpgrade(outgoing, jobOf(jobs, request)),
      proxyRes: (answer, request, response) => relayAnswer(answer, response, jobOf(jobs, request)),
      error: (error, request) => report(error, jobOf(jobs, request)),
      econnreset: () => undefined, // the client left; its own close is what gets recorded
    },
  })
  return {
    web: (request: IncomingMessage, response: ServerResponse, provider: Provider, upstreamPath: string, sink: WebSink): void => {
      response.setMaxListeners(20) // express, the relay, the pipeline and the record each wait for its close
      jobs.set(request, { provider, upstreamPath, web: sink, stage: 'connecting', failure: undefined, upgraded: undefined })
      cleanHeaders(request, provider)
      void relay(request, response, () => undefined) // errors have been reported by `on.error`
    },
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, provider: Provider, upstreamPath: string, sink: UpgradeSink): void => {
      const job: Job = { provider, upstreamPath, web: undefined, stage: 'connecting', failure: undefined, upgraded: sink }
      jobs.set(request, job)
      cleanHeaders(request, provider)
      countUntilClosed(socket, head, () => job.failure, sink)
      relay.upgrade(request, request.socket, head)
    },
  }
}

function jobOf(jobs: WeakMap<IncomingMessage, Job>, request: IncomingMessage): Job {
  const job = jobs.get(request)
  if (job === undefined) throw new Error('a request reached the pass-through without a job')
  return job
}

/** http-proxy sends `request.headers` as they are then; framing and upgrade headers are its own affair. */
function cleanHeaders(request: IncomingMessage, provider: Provider): void {
  const named = connectionNamed(request.rawHeaders)
  const { headers } = request
  const isUpgrade = headers.upgrade?.toLowerCase() === 'websocket'
  for (const name of Object.keys(headers)) {
    if (name === 'content-length' || name === 'transfer-encoding') continue
    if (isUpgrade && (name === 'connection' || name === 'upgrade')) continue
    if (!isForwarded(name, provider, isUpgrade ? undefined : named)) delete headers[name]
  }
  for (const [name, value] of ownHeaders(provider)) headers[name.toLowerCase()] = value
}

function watchConnecting(outgoing: ClientRequest, job: Job): void {
  const { socket } = outgoing
  if (socket === null || !socket.connecting) {
    job.stage = 'sent'
    return
  }
  const timer = setTimeout(() => outgoing.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' })), job.provider.connectTimeoutMs)
  const isTls = job.provider.baseUrl.protocol === 'https:'
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    clearTimeout(timer)
    job.stage = 'sent'
  })
  socket.once('close', () => clearTimeout(timer))
}

function watchUpgrade(outgoing: ClientRequest, job: Job): void {
  outgoing.once('upgrade', (answer: IncomingMessage) => job.upgraded?.head(answer.statusCode ?? 101))
  outgoing.once('response', (answer: IncomingMessage) => job.upgraded?.head(answer.statusCode ?? 0))
}

function report(error: Error, job: Job): void {
  const failure = upstreamFailure(error, job.stage)
  if (job.web !== undefined) job.web.failed(failure)
  else job.failure ??= failure
}

function relayAnswer(answer: IncomingMessage, response: ServerResponse, job: Job): void {
  const sink = job.web
  if (sink === undefined || response.destroyed) return
  job.stage = 'answering'
  const headers = sink.head(answer.statusCode ?? 502, answer.rawHeaders)
  response.sendDate = false
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers)
  answer.once('aborted', () => report(Object.assign(new Error('upstream closed'), { code: 'ECONNRESET' }), job))
  pipeline(answer, holdingLast(answer, sink), response, () => undefined) // failures are reported above, or are the client's
}

/** Passes chunks on, but keeps the one that completes the answer until the record is made. */
function holdingLast(answer: IncomingMessage, sink: WebSink): Transform {
  const expected = Number(answer.headers['content-length'] ?? NaN)
  let total = 0
  let last: Buffer | undefined
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      total += chunk.length
      sink.bytes(chunk.length)
      if (total !== expected) return next(null, chunk)
      last = chunk
      next()
    },
    flush(next) {
      sink.end(() => next(null, last))
    },
  })
}

function countUntilClosed(socket: Duplex, head: Buffer, failure: () => UpstreamFailure | undefined, sink: UpgradeSink): void {
  const counters = socket as Partial<{ bytesRead: number; bytesWritten: number }>
  const readBefore = (counters.bytesRead ?? 0) - head.length
  const writtenBefore = counters.bytesWritten ?? 0
  socket.once('close', () => {
    sink.closed({ received: (counters.bytesRead ?? 0) - readBefore, sent: (counters.bytesWritten ?? 0) - writtenBefore }, failure())
  })
}
