import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dialect } from '../domain/request.ts'
import type { Frame } from './ask.ts'
import { openChannel, type Channel } from './channel.ts'
import { acceptedEncoding } from './content-encoding.ts'
import { deliverStream, deliverWhole, type Timing } from './deliver.ts'
import { NO_FAULTS, type Faults } from './faults.ts'
import { geminiErrorBody } from './gemini-errors.ts'
import { errorBody, type ApiError } from './provider-errors.ts'
import { providerHeaders } from './provider-headers.ts'
import type { ReceivedRequest } from './request-log.ts'
import type { Simulation } from './simulation.ts'

/** One request whose body has been read, on its way to an answer. */
export type Call = {
  readonly simulation: Simulation
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly received: ReceivedRequest
  readonly dialect: Dialect
  /** Gemini streams a JSON array where events are not asked for. */
  readonly isArray: boolean
  /** Without the query. */
  readonly path: string
  /** Which request of this simulator it is; ids are made from it. */
  readonly ordinal: number
  readonly requestId: string
  readonly readAtMs: number
  readonly faults: Faults
}

/** Answers with a whole JSON body after `waitMs`. */
export function respondWhole(call: Call, status: number, body: string, waitMs = 0): void {
  const { response, faults } = call
  const headers = headersOf(call, jsonType(call.dialect), waitMs, status)
  if (faults === NO_FAULTS && waitMs <= 0) {
    headers.push('Content-Length', String(Buffer.byteLength(body)))
    response.writeHead(status, headers)
    response.end(body)
    return
  }
  const encoding = acceptedEncoding(faults.encoding, String(call.request.headers['accept-encoding'] ?? ''))
  const isEndless = faults.giganticBytes !== undefined
  const channel = channelOf(call, isEndless ? encoding : undefined, false)
  run(call, deliverWhole(channel, { status, headers, body }, waitMs, faults, isEndless ? undefined : encoding))
}

/** Answers with an error in the dialect's shape. */
export function respondError(call: Call, error: ApiError): void {
  const { firstByteMs } = call.faults
  const { dialect, requestId, isArray } = call
  const body = dialect === 'gemini' ? geminiErrorBody(error, isArray) : errorBody(dialect, error, requestId)
  respondWhole(call, error.status, body, firstByteMs ?? 0)
}

/** Answers with a whole event stream in one write. */
export function respondBurst(call: Call, text: string): void {
  call.response.writeHead(200, headersOf(call, streamType(call), 0, 200))
  call.response.end(text)
}

/** Answers with an event stream at its pace. */
export function respondStream(
  call: Call,
  frames: Iterable<Frame>,
  timing: Timing,
  errorFrame: string,
  isUnbuffered: boolean,
): void {
  const { faults, simulation, readAtMs } = call
  const encoding = acceptedEncoding(faults.encoding, String(call.request.headers['accept-encoding'] ?? ''))
  const headers = headersOf(call, streamType(call), timing.firstByteMs, 200)
  const elapsedMs = (): number => simulation.monotonic() - readAtMs
  run(
    call,
    deliverStream(channelOf(call, encoding, isUnbuffered), headers, frames, timing, faults, errorFrame, elapsedMs),
  )
}

const EVENT_STREAM = 'text/event-stream; charset=utf-8'

function jsonType(dialect: Dialect): string {
  return dialect === 'gemini' ? 'application/json; charset=UTF-8' : 'application/json'
}

function streamType({ dialect, isArray }: Call): string {
  if (isArray) return jsonType(dialect)
  return dialect === 'gemini' ? 'text/event-stream' : EVENT_STREAM
}

function headersOf(call: Call, contentType: string, waitMs: number, status: number): string[] {
  const isLimited = status === 429
  const { simulation, faults, dialect, requestId } = call
  const headers = providerHeaders(dialect, {
    requestId,
    processingMs: Math.round(waitMs),
    now: simulation.now(),
    retryAfterSeconds: status >= 400 ? (faults.retryAfterSeconds ?? (isLimited ? 1 : undefined)) : undefined,
    isLimited,
  })
  headers.push('Content-Type', contentType)
  if (contentType === EVENT_STREAM) headers.push('Cache-Control', 'no-cache')
  return headers
}

function channelOf(call: Call, encoding: Faults['encoding'], isUnbuffered: boolean): Channel {
  const { response, received, simulation, faults } = call
  return openChannel(response, {
    encoding,
    splitBytes: faults.splitBytes,
    pauseMs: faults.dripMs,
    isUnbuffered,
    onBreak: () => received.finish('broken_off', simulation.monotonic()),
  })
}

/** A delivery that throws is a bug of the simulator: the client must see a broken answer, never a silent one. */
function run({ response }: Call, delivery: Promise<void>): void {
  delivery.catch((cause: unknown) =>
    response.destroy(new Error('the simulator failed to deliver an answer', { cause })),
  )
}
