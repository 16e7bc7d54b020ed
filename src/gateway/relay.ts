import type { ServerResponse } from 'node:http'
import { errorEvent } from '../dialects/error-body.ts'
import { createUsageSplice } from '../dialects/usage-splice.ts'
import type { Answer } from '../dialects/answer.ts'
import { ERRORS } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { LlmRequest, RawHeaders } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { UpstreamCall, UpstreamFailure, UpstreamSink } from '../domain/upstream-call.ts'
import type { AnswerForm, Capture } from './capture.ts'
import { createCapture } from './capture.ts'
import { encodingOf, isReadable } from './encoding.ts'
import { createOutlet } from './outlet.ts'
import type { Outlet } from './outlet.ts'

/** How one upstream call went, as far as relaying it could see. Times on the monotonic clock. */
export type Relayed = {
  readonly outcome: AttemptOutcome
  /** Undefined when the call never got a slot: then no upstream was called. */
  readonly startedAt: MonotonicMs | undefined
  readonly queueMs: number
  readonly headAt: MonotonicMs | undefined
  readonly tokenAt: MonotonicMs | undefined
  readonly endedAt: MonotonicMs
  readonly answer: Answer
  readonly providerRequestId: string | undefined
  readonly responseBytes: number
  readonly streamEvents: number | undefined
  /** The status that the client has been, or is about to be, sent; 0 when it left before there was one. */
  readonly clientStatus: number
}

export type RelayJob = {
  readonly request: LlmRequest
  readonly response: ServerResponse
  readonly monotonic: () => MonotonicMs
  readonly inboundHeaders: (raw: RawHeaders) => string[]
  /** Headers of our own for the response head. */
  readonly ownHeaders: () => readonly string[]
  /** Sends the proxy's own error answer; called only when nothing else was sent. */
  readonly fail: (error: ErrorCode) => void
  /** Why the proxy itself closed the client's connection; undefined where it did not. */
  readonly cutBy: () => ErrorCode | undefined
  /** Everything is known. The answer's last bytes go out when `release` is called. */
  readonly conclude: (relayed: Relayed, release: () => void) => void
}

const isCut = (): boolean => true

/** How a call ended whose client's connection closed: by the client, or by the proxy for a reason of its own. */
export function cutOutcome(
  status: number | undefined,
  error: ErrorCode | undefined,
  mayHaveRun: boolean,
): AttemptOutcome {
  if (error === undefined) return { kind: 'cancelled', status }
  return status === undefined ? { kind: 'unavailable', error, mayHaveRun } : { kind: 'interrupted', status, error }
}

const NO_ANSWER: Answer = {
  model: undefined,
  responseId: undefined,
  finishReason: undefined,
  usage: undefined,
  errorType: undefined,
}

/**
 * Carries one upstream answer to the client as it comes and looks at a copy. Once the answer is complete it is
 * concluded first and its last bytes (the final chunk, or a stream's terminal event) go out after: whoever has got
 * the last byte has a row.
 */
export class Relay implements UpstreamSink {
  readonly #job: RelayJob
  readonly #onClose = (): void => this.#clientClosed()
  #call: UpstreamCall | undefined
  #outlet: Outlet | undefined
  #capture: Capture | undefined
  #startedAt: MonotonicMs | undefined
  #queueMs = 0
  #headAt: MonotonicMs | undefined
  #tokenAt: MonotonicMs | undefined
  #status: number | undefined
  #form: AnswerForm = 'plain'
  #isDelimited = false
  #expectedBytes = -1
  #responseBytes = 0
  #providerRequestId: string | undefined
  #isConcluded = false

  constructor(job: RelayJob) {
    this.#job = job
    job.response.once('close', this.#onClose)
  }

  /** Gives the relay its call, so that a client that leaves takes the upstream call with it. */
  attach(call: UpstreamCall): void {
    this.#call = call
    if (this.#isConcluded && this.#job.response.destroyed) call.abort()
  }

  started(queueMs: number): void {
    this.#startedAt = this.#job.monotonic()
    this.#queueMs = queueMs
  }

  head(status: number, statusText: string, raw: RawHeaders): void {
    const { request, response } = this.#job
    this.#headAt = this.#job.monotonic()
    const facts = readHead(raw)
    this.#providerRequestId = facts.requestId
    this.#form = formOf(facts, request, status)
    this.#isDelimited = facts.isDelimited
    const splices = request.shape.injectsUsage && facts.isEventStream && status < 400 && isReadable(facts.encoding)
    this.#expectedBytes = splices ? -1 : facts.contentLength
    this.#capture = createCapture(request.api, this.#form, facts.encoding, () => {
      this.#tokenAt = this.#job.monotonic()
    })
    const headers = this.#job.inboundHeaders(raw)
    const filter = splices ? { splice: createUsageSplice(), encoding: facts.encoding } : undefined
    const outlet = createOutlet(
      response,
      filter,
      () => this.#call?.resume(),
      () => this.#undecodable(),
    )
    // Throws on a head that cannot be sent on. Then nothing has been said, and the call fails as if no answer had come.
    outlet.head(status, statusText, splices ? withoutLengthAndEncoding(headers) : headers, this.#job.ownHeaders())
    outlet.flushHeadSoon()
    this.#status = status
    this.#outlet = outlet
  }

  data(chunk: Buffer): boolean {
    const outlet = this.#outlet
    const capture = this.#capture
    if (outlet === undefined || capture === undefined) return true
    this.#responseBytes += chunk.length
    if (!this.#isConcluded) {
      capture.feed(chunk)
      if (!this.#isStream) this.#tokenAt ??= this.#job.monotonic()
      const isTerminal = this.#isStream && capture.isTerminal()
      if (isTerminal || this.#responseBytes === this.#expectedBytes) outlet.hold()
      const mayContinue = outlet.write(chunk)
      if (isTerminal) this.#completed() // a provider may linger after its last event; the client need not
      return mayContinue
    }
    return outlet.write(chunk)
  }

  end(trailers: RawHeaders): void {
    if (!this.#isConcluded) this.#outlet?.hold() // the end itself is the last byte where nothing else told that it is near
    this.#outlet?.end(trailers)
    this.#completed()
  }

  failed(failure: UpstreamFailure): void {
    if (this.#isConcluded) {
      // After the last event nothing is missing, unless the head has promised so and so many bytes.
      if (this.#responseBytes < this.#expectedBytes) this.#outlet?.destroyAfterHeld()
      else this.#outlet?.end([])
      return
    }
    const { error, mayHaveRun } = failure
    const status = this.#status
    const outlet = this.#outlet
    if (status === undefined || outlet === undefined) {
      this.#conclude(
        () => ({ kind: 'unavailable', error, mayHaveRun }),
        isCut,
        () => this.#job.fail(error),
      )
      return
    }
    this.#conclude(
      () => ({ kind: 'interrupted', status, error }),
      isCut,
      () => {
        // Our own time-out is told in the dialect; a cut is passed on as a cut, which every client sees as an error.
        if (error === 'idle_timeout' && this.#form === 'events' && outlet.isPlain()) {
          outlet.finishWith(errorEvent(this.#job.request.dialect, this.#job.request.api, error, this.#job.request.id))
        } else outlet.destroyAfterHeld()
      },
    )
  }

  #undecodable(): void {
    this.#call?.abort()
    if (this.#isConcluded) this.#job.response.destroy()
    else
      this.failed({
        error: 'upstream_protocol',
        mayHaveRun: true,
        detail: 'the answer is not what its content-encoding says',
      })
  }

  #completed(): void {
    if (this.#isConcluded) return
    const outlet = this.#outlet
    outlet?.hold()
    this.#conclude(
      (answer) => this.#outcomeOf(answer),
      () => this.#lacksEnd(),
      () => {
        // A stream without its last event whose end is told by the closing connection alone is a cut that looks clean.
        if (this.#lacksEnd() && !this.#isDelimited) outlet?.destroyAfterHeld()
        else outlet?.releaseHeld()
      },
    )
  }

  get #isStream(): boolean {
    return this.#form !== 'plain'
  }

  /** Whether this is a stream that has not said its last word. Known for certain once the capture has finished. */
  #lacksEnd(): boolean {
    const capture = this.#capture
    if (!this.#isStream || capture?.events() === undefined || (this.#status ?? 0) >= 400) return false
    return !capture.mayEnd() && !capture.hasStreamError()
  }

  #outcomeOf(answer: Answer): AttemptOutcome {
    const status = this.#status ?? 0
    if (status >= 400) return { kind: 'refused', status, error: 'upstream_error', errorType: answer.errorType }
    if (this.#isStream && this.#capture?.hasStreamError() === true) {
      return { kind: 'refused', status, error: 'upstream_stream_error', errorType: answer.errorType }
    }
    // A plain answer may report its failure with a 200 too: a response whose `status` is `failed`.
    if (!this.#isStream && answer.errorType !== undefined) {
      return { kind: 'refused', status, error: 'upstream_error', errorType: answer.errorType }
    }
    return this.#lacksEnd()
      ? { kind: 'interrupted', status, error: 'no_terminal_event' }
      : { kind: 'completed', status }
  }

  #clientClosed(): void {
    this.#call?.abort()
    if (this.#isConcluded) return
    const status = this.#status
    const error = this.#job.cutBy()
    const mayHaveRun = this.#startedAt !== undefined
    this.#conclude(
      () => cutOutcome(status, error, mayHaveRun),
      isCut,
      () => undefined,
    )
  }

  #conclude(outcomeOf: (answer: Answer) => AttemptOutcome, isCutShort: () => boolean, release: () => void): void {
    this.#isConcluded = true
    const endedAt = this.#job.monotonic()
    const finish = (answerOf: (isCut: boolean) => Answer): void => {
      const answer = answerOf(isCutShort())
      this.#job.conclude(this.#relayed(outcomeOf(answer), answer, endedAt), release)
    }
    if (this.#capture === undefined) finish(() => NO_ANSWER)
    else this.#capture.finish(finish)
  }

  #relayed(outcome: AttemptOutcome, answer: Answer, endedAt: MonotonicMs): Relayed {
    return {
      outcome,
      startedAt: this.#startedAt,
      queueMs: this.#queueMs,
      headAt: this.#headAt,
      // A compressed stream may be over before its first token is decoded.
      tokenAt: this.#tokenAt === undefined ? undefined : Math.min(this.#tokenAt, endedAt),
      endedAt,
      answer,
      providerRequestId: this.#providerRequestId,
      responseBytes: this.#responseBytes,
      streamEvents: this.#isStream ? this.#capture?.events() : undefined,
      clientStatus: this.#status ?? toldStatus(outcome),
    }
  }
}

/** Gemini streams an array where its client does not ask for events (`alt=sse`). */
function formOf(head: Head, request: LlmRequest, status: number): AnswerForm {
  if (head.isEventStream) return 'events'
  return head.isJson && request.api === 'generate_content' && request.isStream && status < 400 ? 'array' : 'plain'
}

/** The status of the proxy's own answer to a call that came to none; 0 where the connection closed without a word. */
export function toldStatus(outcome: AttemptOutcome): number {
  return outcome.kind === 'unavailable' && outcome.error !== 'shutting_down' ? ERRORS[outcome.error].status : 0
}

type Head = {
  readonly isEventStream: boolean
  readonly isJson: boolean
  readonly encoding: string
  readonly contentLength: number
  /** Whether the message says where it ends; false = only the closing connection does. */
  readonly isDelimited: boolean
  readonly requestId: string | undefined
}

function readHead(raw: RawHeaders): Head {
  let isEventStream = false
  let isJson = false
  let encoding = ''
  let contentLength = -1
  let isDelimited = false
  let requestId: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const value = raw[i + 1] ?? ''
    switch ((raw[i] ?? '').toLowerCase()) {
      case 'content-type':
        isEventStream = value.toLowerCase().includes('text/event-stream')
        isJson = value.toLowerCase().includes('application/json')
        break
      case 'content-encoding':
        encoding = encodingOf(value)
        break
      case 'content-length':
        contentLength = Number(value)
        isDelimited = true
        break
      case 'transfer-encoding':
        isDelimited = true
        break
      case 'x-request-id':
      case 'request-id':
        requestId = value
        break
    }
  }
  return { isEventStream, isJson, encoding, contentLength, isDelimited, requestId }
}

/** Splicing changes the length, and happens on decoded bytes. */
function withoutLengthAndEncoding(headers: readonly string[]): string[] {
  const out: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const lower = name.toLowerCase()
    if (lower !== 'content-length' && lower !== 'content-encoding') out.push(name, headers[i + 1] ?? '')
  }
  return out
}
