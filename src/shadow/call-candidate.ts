import type { Answer } from '../dialects/answer.ts'
import { failureOf } from '../dialects/failure-kind.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import type { World } from '../domain/ports.ts'
import type { LlmRequest, RawHeaders } from '../domain/request.ts'
import type { FailureKind } from '../domain/shadow/shadow.ts'
import type { MonotonicMs } from '../domain/units.ts'
import type { OutboundRequest, SendUpstream, UpstreamFailure } from '../domain/upstream-call.ts'
import { type AnswerListener, listenTo } from './answer-listener.ts'

/** How a candidate's call went. Times in milliseconds from its start. */
export type CandidateAnswer = {
  readonly outcome: AttemptOutcome
  /** Undefined where there is an answer to compare. */
  readonly failure: FailureKind | undefined
  /** How long the provider asks to be left alone, where it had enough of us. */
  readonly retryAfterMs: number | undefined
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Buffer
  readonly answer: Answer | undefined
  readonly startedAt: MonotonicMs
  readonly queueMs: number
  readonly durationMs: number
  readonly firstByteMs: number | undefined
  readonly firstTokenMs: number | undefined
  readonly responseBytes: number
  readonly streamEvents: number | undefined
}

export type CandidateCall = {
  readonly request: LlmRequest
  readonly provider: Provider
  readonly outbound: OutboundRequest
  readonly timeoutMs: number
  /** Whether so many more bytes of an answer may be held; they are from then on. */
  readonly mayHold: (bytes: number) => boolean
}

/** The longest answer that is compared: of text that is a book. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * Makes one call that no client waits for. `done` is called once, whatever the candidate does: nothing of an answer
 * beyond 4 MB or `timeoutMs` is waited for. Returns what gives the call up.
 */
export function callCandidate(
  { request, provider, outbound, timeoutMs, mayHold }: CandidateCall,
  send: SendUpstream,
  world: Pick<World, 'now' | 'monotonic'>,
  done: (answer: CandidateAnswer) => void,
): () => void {
  const askedAt = world.monotonic()
  let startedAt: MonotonicMs | undefined
  let queueMs = 0
  let headAt: MonotonicMs | undefined
  let tokenAt: MonotonicMs | undefined
  let status = 0
  let headers: RawHeaders = []
  let listener: AnswerListener | undefined
  let isStream = false
  const chunks: Buffer[] = []
  let bytes = 0
  let isDone = false

  const end = (outcome: AttemptOutcome, failure: FailureKind | undefined, answer?: Answer, events?: number): void => {
    if (isDone) return
    isDone = true
    clearTimeout(timer)
    const endedAt = world.monotonic()
    const from = startedAt ?? askedAt
    done({
      outcome,
      failure,
      retryAfterMs: failure === 'rate_limited' ? askedPause() : undefined,
      status,
      headers,
      body: Buffer.concat(chunks),
      answer,
      startedAt: from,
      queueMs,
      durationMs: endedAt - from,
      firstByteMs: headAt === undefined ? undefined : headAt - from,
      firstTokenMs: tokenAt === undefined ? undefined : tokenAt - from,
      responseBytes: bytes,
      streamEvents: events,
    })
  }
  const askedPause = (): number | undefined =>
    failureOf(status, headers, Buffer.concat(chunks), world.now()).retryAfterMs

  /** We give it up; the provider may bill it all the same. */
  const giveUp = (failure: FailureKind, error: 'first_byte_timeout' | 'idle_timeout' | 'upstream_protocol'): void => {
    if (isDone) return
    call.abort()
    const hasRun = startedAt !== undefined
    end(
      headAt === undefined
        ? { kind: 'unavailable', error: 'first_byte_timeout', mayHaveRun: hasRun }
        : { kind: 'interrupted', status, error },
      failure,
      listener?.finish(Buffer.alloc(0)).answer,
    )
  }
  const timer = setTimeout(
    () => giveUp('timeout', headAt === undefined ? 'first_byte_timeout' : 'idle_timeout'),
    timeoutMs,
  )

  const ended = (): void => {
    const whole = Buffer.concat(chunks)
    if (status >= 400) {
      const { kind } = failureOf(status, headers, whole, world.now())
      const outcome: AttemptOutcome = {
        kind: 'refused',
        status,
        error: 'upstream_error',
        errorType: errorTypeOf(whole),
      }
      return end(outcome, failureKind(kind, status))
    }
    const heard = listener?.finish(whole)
    if (heard === undefined) return end({ kind: 'interrupted', status, error: 'upstream_protocol' }, 'unreadable')
    const { answer, isComplete, events } = heard
    if (answer.errorType !== undefined) {
      const { errorType } = answer
      return end({ kind: 'refused', status, error: 'upstream_stream_error', errorType }, 'error', answer, events)
    }
    if (!isComplete) {
      const isCut = isStream && events !== undefined && events > 0
      const error = isCut ? 'no_terminal_event' : 'upstream_protocol'
      return end({ kind: 'interrupted', status, error }, isCut ? 'cut' : 'unreadable', answer, events)
    }
    end({ kind: 'completed', status }, undefined, answer, events)
  }
  const errorTypeOf = (whole: Buffer): string | undefined => listener?.finish(whole).answer.errorType

  const call = send(provider, outbound, {
    started: (waitedMs) => {
      startedAt = world.monotonic()
      queueMs = waitedMs
    },
    head: (answered, _text, raw) => {
      headAt = world.monotonic()
      status = answered
      headers = raw
      const { form, isEncoded } = formOf(raw, request, answered)
      isStream = form !== 'plain'
      if (isEncoded) return giveUp('unreadable', 'upstream_protocol') // it was asked not to be
      listener = listenTo(request.api, form, () => void (tokenAt = world.monotonic()))
    },
    data: (chunk) => {
      if (isDone) return true
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES || !mayHold(chunk.length)) {
        giveUp('too_large', 'upstream_protocol')
        return true
      }
      chunks.push(chunk)
      if (isStream) listener?.feed(chunk)
      else tokenAt ??= world.monotonic()
      return true
    },
    end: ended,
    failed: (failure) => failed(failure),
  })

  function failed({ error, mayHaveRun }: UpstreamFailure): void {
    const isTimeout = error === 'first_byte_timeout' || error === 'idle_timeout' || error === 'connect_timeout'
    if (headAt === undefined) {
      return end({ kind: 'unavailable', error, mayHaveRun }, isTimeout ? 'timeout' : 'unreachable')
    }
    const partial = listener?.finish(Buffer.alloc(0))
    end({ kind: 'interrupted', status, error }, isTimeout ? 'timeout' : 'cut', partial?.answer, partial?.events)
  }

  return () => {
    if (isDone) return
    call.abort()
    end({ kind: 'cancelled', status: headAt === undefined ? undefined : status }, 'aborted')
  }
}

function failureKind(kind: ReturnType<typeof failureOf>['kind'], status: number): FailureKind {
  if (kind === 'rate_limit' || kind === 'capacity') return 'rate_limited'
  return status >= 500 ? 'error' : 'refused'
}

function formOf(
  raw: RawHeaders,
  request: LlmRequest,
  status: number,
): { readonly form: 'events' | 'array' | 'plain'; readonly isEncoded: boolean } {
  let type = ''
  let encoding = ''
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    if (name === 'content-type') type = (raw[i + 1] ?? '').toLowerCase()
    else if (name === 'content-encoding') encoding = (raw[i + 1] ?? '').trim().toLowerCase()
  }
  const isEncoded = encoding !== '' && encoding !== 'identity'
  if (type.includes('text/event-stream')) return { form: 'events', isEncoded }
  const isArray = type.includes('json') && request.api === 'generate_content' && request.isStream && status < 400
  return { form: isArray ? 'array' : 'plain', isEncoded }
}
