import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Transform, pipeline } from 'node:stream'
import { createProxyMiddleware, proxyEventsPlugin } from 'http-proxy-middleware'
import { errors } from 'undici'
import type { PassThroughSink, UpgradeSink } from '../domain/pass-through.ts'
import type { Provider } from '../domain/policy.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { UpstreamFailure } from '../domain/upstream-call.ts'
import { upstreamFailure } from './failure.ts'
import { outboundHeaders } from './headers.ts'
import { holdSlot, NO_FREE_SLOT } from './hold-slot.ts'
import { reasonPhrase } from './reason-phrase.ts'
import type { Slots } from './slots.ts'
import { notHttp, refuseUpgrade, watchConnecting, watchFirstByte, watchSilence } from './watch-outgoing.ts'
import type { Progress } from './watch-outgoing.ts'

type Job = Progress & {
  readonly upstreamPath: string
  readonly traceparent: string | undefined
  readonly web: PassThroughSink | undefined
  readonly upgraded: UpgradeSink | undefined
  /** The first error of an upgraded connection. */
  failure: UpstreamFailure | undefined
}

/**
 * Relays what the proxy does not read: any method and path, uploads, WebSocket upgrades; bodies are streamed both
 * ways. Target and path come from the recognition, never from the request line. Each takes a slot of its provider like
 * any other call, a WebSocket for as long as it stands.
 */
export function createPassThrough(slots: Slots, monotonic: () => MonotonicMs) {
  const jobs = new WeakMap<IncomingMessage, Job>()
  const relay = createProxyMiddleware<IncomingMessage, ServerResponse>({
    changeOrigin: true,
    ejectPlugins: true, // no error page and log of its own: errors are answered in the client's dialect
    plugins: [proxyEventsPlugin],
    selfHandleResponse: true, // the last bytes wait for the record
    router: (request) => jobOf(jobs, request).provider.baseUrl,
    pathRewrite: (_path, request) => jobOf(jobs, request).upstreamPath,
    on: {
      proxyReq: (outgoing, request, response) => {
        const job = jobOf(jobs, request)
        setHeaders(outgoing, request, job)
        watchConnecting(outgoing, job)
        watchFirstByte(outgoing, job)
        watchSilence(outgoing, response, job)
        refuseUpgrade(outgoing, (error) => report(error, job))
        // Here and not earlier: the relay pipes the body in this same turn, and a listener on its own would let it run off.
        request.on('data', (chunk: Buffer) => job.web?.received(chunk.length))
      },
      proxyReqWs: (outgoing, request) => {
        const job = jobOf(jobs, request)
        setHeaders(outgoing, request, job)
        outgoing.once('socket', () => {
          watchConnecting(outgoing, job)
          takeErrors(outgoing, request, job)
        })
        watchFirstByte(outgoing, job)
        watchUpgrade(outgoing, request, job)
      },
      proxyRes: (answer, request, response) => relayAnswer(answer, response, jobOf(jobs, request)),
      error: (error, request) => {
        // What the client's own connection died of is no fault of the upstream; its close is what gets recorded.
        if (error !== request.socket.errored) report(error, jobOf(jobs, request))
      },
      econnreset: () => undefined, // the client left; its own close is what gets recorded
    },
  })
  return {
    web: (
      request: IncomingMessage,
      response: ServerResponse,
      provider: Provider,
      upstreamPath: string,
      traceparent: string | undefined,
      sink: PassThroughSink,
    ): void => {
      response.setMaxListeners(20) // express, the relay, the pipeline and the record each wait for its close
      jobs.set(request, {
        provider,
        upstreamPath,
        traceparent,
        web: sink,
        stage: 'connecting',
        failure: undefined,
        upgraded: undefined,
      })
      hideFromRelay(request)
      holdSlot(slots, monotonic, provider, response, {
        granted: (queueMs) => {
          sink.started(queueMs)
          void relay(request, response, () => undefined) // errors have been reported by `on.error`
        },
        refused: () => sink.failed(NO_FREE_SLOT),
      })
    },
    upgrade: (
      request: IncomingMessage,
      head: Buffer,
      provider: Provider,
      upstreamPath: string,
      traceparent: string | undefined,
      sink: UpgradeSink,
    ): void => {
      const job: Job = {
        provider,
        upstreamPath,
        traceparent,
        web: undefined,
        stage: 'connecting',
        failure: undefined,
        upgraded: sink,
      }
      jobs.set(request, job)
      hideFromRelay(request)
      countUntilClosed(request.socket, head, () => job.failure, sink)
      holdSlot(slots, monotonic, provider, request.socket, {
        granted: (queueMs) => {
          sink.started(queueMs)
          relay.upgrade(request, request.socket, head)
        },
        refused: () => sink.failed(NO_FREE_SLOT),
      })
    },
  }
}

function jobOf(jobs: WeakMap<IncomingMessage, Job>, request: IncomingMessage): Job {
  const job = jobs.get(request)
  if (job === undefined) throw new Error('a request reached the pass-through without a job')
  return job
}

/** What http-proxy itself decides about a request: where it ends, and what becomes of its connection. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])
const UPGRADE: ReadonlySet<string> = new Set(['connection', 'upgrade'])

/**
 * Leaves http-proxy only the framing: it knows headers in lower case and joined, so `setHeaders` sets the others. Nor
 * does it get to see the request line: it would parse it as a URL, and not answer at all where that fails.
 */
function hideFromRelay(request: IncomingMessage): void {
  const { headers } = request
  const isUpgrade = headers.upgrade?.toLowerCase() === 'websocket'
  for (const name of Object.keys(headers))
    if (!FRAMING.has(name) && !(isUpgrade && UPGRADE.has(name))) delete headers[name]
  request.url = '/'
}

/** The client's headers in their own order and case; a header that came several times comes so again, in one place. */
function setHeaders(outgoing: ClientRequest, request: IncomingMessage, { provider, traceparent }: Job): void {
  const raw = outboundHeaders(request.rawHeaders, provider, traceparent)
  const byName = new Map<string, { readonly name: string; readonly values: string[] }>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = [raw[i], raw[i + 1]]
    const known = byName.get(name.toLowerCase())
    if (known === undefined) byName.set(name.toLowerCase(), { name, values: [value] })
    else known.values.push(value)
  }
  for (const { name, values } of byName.values()) outgoing.setHeader(name, values)
}

/** How long an upstream may take to close a connection that its client has left. */
const LINGER_MS = 5_000

/**
 * Makes the errors of a handshake ours alone: at one of them http-proxy would end the client's connection at once, and
 * the answer that waits for its record would find it closed.
 */
function takeErrors(outgoing: ClientRequest, request: IncomingMessage, job: Job): void {
  outgoing.removeAllListeners('error').on('error', (error) => {
    if (request.socket.destroyed) return // the client has left, and that is what gets recorded
    report(error, job)
    if (job.stage === 'answering') request.socket.end()
  })
}

function watchUpgrade(outgoing: ClientRequest, request: IncomingMessage, job: Job): void {
  const leave = (): void => void outgoing.destroy()
  request.socket.once('close', leave)
  outgoing.once('upgrade', (answer: IncomingMessage, upstreamSocket: Socket) => {
    job.stage = 'answering'
    job.upgraded?.head(answer.statusCode ?? 101)
    request.socket.off('close', leave).once('close', () => {
      const timer = setTimeout(() => upstreamSocket.destroy(), LINGER_MS)
      upstreamSocket.once('close', () => clearTimeout(timer)).end()
    })
  })
  // Comes before http-proxy's own listener, which relays whatever head it is given unless it is that of an upgrade.
  outgoing.once('response', (answer: IncomingMessage & { upgrade?: boolean }) => {
    if (!isFinal(answer)) {
      answer.upgrade = true
      report(notHttp(`status ${answer.statusCode}`), job)
      answer.destroy()
      return
    }
    job.stage = 'answering'
    job.upgraded?.head(answer.statusCode ?? 502)
    outgoing.setTimeout(job.provider.idleTimeoutMs, () => outgoing.destroy(new errors.BodyTimeoutError()))
    request.socket.resume() // what came after a refused handshake is nobody's, and unread it would keep the socket open
  })
}

/** Whether an answer has a status that may end one; parsers take any three digits. */
function isFinal(answer: IncomingMessage): boolean {
  return (answer.statusCode ?? 0) >= 200
}

function report(error: Error, job: Job): void {
  const failure = upstreamFailure(error, job.stage)
  if (job.web !== undefined) return job.web.failed(failure)
  if (job.failure !== undefined) return
  job.failure = failure
  if (job.stage !== 'answering') job.upgraded?.failed(failure)
}

function relayAnswer(answer: IncomingMessage, response: ServerResponse, job: Job): void {
  const sink = job.web
  if (sink === undefined || response.destroyed) return
  if (!isFinal(answer)) {
    report(notHttp(`status ${answer.statusCode}`), job)
    answer.destroy()
    return
  }
  job.stage = 'answering'
  const headers = sink.head(answer.statusCode ?? 502, answer.rawHeaders)
  if (headers === undefined) return void answer.destroy()
  response.sendDate = false
  response.writeHead(answer.statusCode ?? 502, reasonPhrase(answer.statusMessage ?? '', 'latin1'), headers)
  // The head goes at once, as long polls and streams need it, unless it is all there is: then it waits for the record.
  setImmediate(() => {
    if (!answer.complete && !response.destroyed && !response.writableEnded) response.flushHeaders()
  })
  answer.once('aborted', () => report(Object.assign(new Error('upstream closed'), { code: 'ECONNRESET' }), job))
  pipeline(answer, holdingLast(answer, response, sink), response, () => undefined) // failures are reported above, or are the client's
}

/** Passes chunks on, but keeps the one that completes the answer until the record is made. */
function holdingLast(answer: IncomingMessage, response: ServerResponse, sink: PassThroughSink): Transform {
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
      sink.end(() => {
        const { rawTrailers } = answer
        if (rawTrailers.length > 0 && !response.destroyed) response.addTrailers(trailerPairs(rawTrailers))
        next(null, last)
      })
    },
  })
}

function trailerPairs(raw: RawHeaders): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return pairs
}

function countUntilClosed(
  socket: Socket,
  head: Buffer,
  failure: () => UpstreamFailure | undefined,
  sink: UpgradeSink,
): void {
  const readBefore = socket.bytesRead - head.length
  const writtenBefore = socket.bytesWritten
  socket.once('close', () => {
    sink.closed({ received: socket.bytesRead - readBefore, sent: socket.bytesWritten - writtenBefore }, failure())
  })
}
