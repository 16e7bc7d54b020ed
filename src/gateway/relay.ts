import { errorEvent } from '../dialects/error-body.ts'
import { createUsageSplice } from '../dialects/usage-splice.ts'
import type { Answer } from '../dialects/answer.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { RawHeaders } from '../domain/request.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { UpstreamCall, UpstreamFailure, UpstreamSink } from '../domain/upstream-call.ts'
import { formOf, readHead, withoutLengthAndEncoding } from './answer-head.ts'
import type { AnswerForm, Capture } from './capture.ts'
import { createCapture, NO_ANSWER } from './capture.ts'
import { cutOutcome, toldStatus } from './cut-outcome.ts'
import { isReadable } from './encoding.ts'
import { type EndedAnswer, endedOutcome, lacksEnd } from './ended-outcome.ts'
import { createOutlet } from './outlet.ts'
import type { Outlet } from './outlet.ts'
import type { Relayed, RelayJob } from './relayed.ts'

const isCut = (): boolean => true

const NO_HEADERS: RawHeaders = []

/**
 * Carries one upstream answer to the client as it comes and looks at a copy. Once the answer is complete it is
 * concluded first and its last bytes (the final chunk, or a stream's terminal event) go out after: whoever has got
 * the last byte has a row.
 */
export class Relay implements UpstreamSink {
  readonly #job: RelayJob
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
  #headers: RawHeaders = NO_HEADERS
  #isConcluded = false
  #isCrashed = false

  constructor(job: RelayJob) {
    this.#job = job
  }

  /** Gives the relay its call, so that a client that leaves takes the upstream call with it. */
  attach(call: UpstreamCall): void {
    this.#call = call
    if (this.#isCrashed || (this.#isConcluded && this.#job.response.destroyed)) call.abort()
  }

  started(queueMs: number): void {
    this.#startedAt = this.#job.monotonic()
    this.#queueMs = queueMs
  }

  /** Whether the call got its slot. */
  get hasStarted(): boolean {
    return this.#startedAt !== undefined
  }

  head(status: number, statusText: string, raw: RawHeaders): void {
    let opened: Opened
    try {
      opened = this.#open(status, raw)
    } catch (bug) {
      return this.#crash(bug)
    }
    const { outlet, headers, own } = opened
    // Throws on a head that cannot be sent on. Then nothing has been said, and the call fails as if no answer had come.
    outlet.head(status, statusText, headers, own)
    outlet.flushHeadSoon()
    this.#status = status
    this.#outlet = outlet
  }

  data(chunk: Buffer): boolean {
    try {
      return this.#carry(chunk)
    } catch (bug) {
      this.#crash(bug)
      return true
    }
  }

  end(trailers: RawHeaders): void {
    try {
      if (!this.#isConcluded) this.#outlet?.hold() // the end itself is the last byte where nothing else told that it is near
      this.#outlet?.end(trailers)
      this.#completed()
    } catch (bug) {
      this.#crash(bug)
    }
  }

  #open(status: number, raw: RawHeaders): Opened {
    const { request, response, injectsUsage, hold } = this.#job
    this.#headAt = this.#job.monotonic()
    this.#headers = raw
    const facts = readHead(raw)
    this.#providerRequestId = facts.requestId
    this.#form = formOf(facts, request, status)
    this.#isDelimited = facts.isDelimited
    const splices = injectsUsage && facts.isEventStream && status < 400 && isReadable(facts.encoding)
    this.#expectedBytes = splices ? -1 : facts.contentLength
    this.#capture = createCapture(request.api, this.#form, facts.encoding, {
      onToken: () => {
        this.#tokenAt = this.#job.monotonic()
      },
      onEvent: this.#job.onEvent,
      onLost: this.#job.onLost,
      keep: this.#job.keep,
      onBug: (bug) => this.#crash(bug),
    })
    const headers = this.#job.inboundHeaders(raw)
    const filter = splices ? { splice: createUsageSplice(), encoding: facts.encoding } : undefined
    const open = (): Outlet =>
      createOutlet(
        response,
        filter,
        () => this.#call?.resume(),
        () => this.#undecodable(),
      )
    const outlet = hold === undefined ? open() : hold(open)
    return { outlet, headers: splices ? withoutLengthAndEncoding(headers) : headers, own: this.#job.ownHeaders() }
  }

  #carry(chunk: Buffer): boolean {
    const outlet = this.#outlet
    const capture = this.#capture
    if (outlet === undefined || capture === undefined) return true
    this.#responseBytes += chunk.length
    if (this.#isConcluded) return outlet.write(chunk)
    capture.feed(chunk)
    if (!this.#isStream) this.#tokenAt ??= this.#job.monotonic()
    const isTerminal = this.#isStream && capture.isTerminal()
    if (isTerminal || this.#responseBytes === this.#expectedBytes) outlet.hold()
    const mayContinue = outlet.write(chunk)
    if (isTerminal) this.#completed() // a provider may linger after its last event; the client need not
    return mayContinue
  }

  failed(failure: UpstreamFailure): void {
    try {
      if (this.#isConcluded) this.#failedAfterAll()
      else this.#failed(failure)
    } catch (bug) {
      this.#crash(bug)
    }
  }

  #failedAfterAll(): void {
    // After the last event nothing is missing, unless the head has promised so and so many bytes.
    if (this.#responseBytes < this.#expectedBytes) this.#outlet?.destroyAfterHeld()
    else this.#outlet?.end([])
  }

  #failed(failure: UpstreamFailure): void {
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
      (answer) => endedOutcome(this.#ended, answer),
      () => lacksEnd(this.#ended),
      () => {
        // A stream without its last event whose end is told by the closing connection alone is a cut that looks clean.
        if (lacksEnd(this.#ended) && !this.#isDelimited) outlet?.destroyAfterHeld()
        else outlet?.releaseHeld()
      },
    )
  }

  get #isStream(): boolean {
    return this.#form !== 'plain'
  }

  get #ended(): EndedAnswer {
    return { status: this.#status ?? 0, form: this.#form, capture: this.#capture }
  }

  /** To be called when the client's connection has closed, for whatever reason. */
  clientClosed(): void {
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

  /**
   * Gives up an answer of which nothing has reached the client. `outcome` is what became of the call; undefined where its
   * answer says so itself. Released, what is held of it is given all the same. False where it had ended before.
   */
  abandon(outcome: AttemptOutcome | undefined): boolean {
    if (this.#isConcluded) return false
    this.#call?.abort()
    this.#conclude(
      (answer) => outcome ?? endedOutcome(this.#ended, answer),
      isCut,
      () => {
        this.#failedAfterAll()
        this.#outlet?.releaseHeld()
      },
    )
    return true
  }

  #conclude(outcomeOf: (answer: Answer) => AttemptOutcome, isCutShort: () => boolean, release: () => void): void {
    this.#isConcluded = true
    const endedAt = this.#job.monotonic()
    const finish = (answerOf: (isCut: boolean) => Answer): void => {
      try {
        const answer = answerOf(isCutShort())
        this.#job.conclude(this.#relayed(outcomeOf(answer), answer, endedAt), release)
      } catch (bug) {
        this.#crash(bug)
      }
    }
    if (this.#capture === undefined) finish(() => NO_ANSWER)
    else this.#capture.finish(finish)
  }

  /** Called by whatever callback comes to grief first; a decoder's or a socket's caller could do nothing about it. */
  #crash(bug: unknown): void {
    if (this.#isCrashed) return
    this.#isCrashed = true
    this.#isConcluded = true
    this.#call?.abort()
    this.#job.crashed(bug)
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
      headers: this.#headers,
      providerRequestId: this.#providerRequestId,
      responseBytes: this.#responseBytes,
      streamEvents: this.#isStream ? this.#capture?.events() : undefined,
      clientStatus: this.#status ?? toldStatus(outcome),
    }
  }
}

type Opened = { readonly outlet: Outlet; readonly headers: readonly string[]; readonly own: readonly string[] }
