import { errors } from 'undici'
import type { Dispatcher } from 'undici'
import type { MonotonicMs } from '../domain/units.ts'
import type { OutboundRequest, SendUpstream, UpstreamCall, UpstreamSink } from '../domain/upstream-call.ts'
import type { Provider } from '../domain/policy.ts'
import type { CallStage } from './failure.ts'
import { upstreamFailure } from './failure.ts'
import type { Pools } from './pools.ts'
import { reasonPhrase } from './reason-phrase.ts'
import { createSilenceWatch } from './silence-watch.ts'
import type { Overseen, SilenceWatch } from './silence-watch.ts'
import type { Slots } from './slots.ts'

/**
 * Sends calls through one pool per provider, within the provider's limits. What the upstream answers is handed on as
 * it comes: raw headers, raw chunks, backpressure both ways.
 */
export function createSend(pools: Pools, slots: Slots, monotonic: () => MonotonicMs): SendUpstream {
  const watch = createSilenceWatch(monotonic)
  return (provider, request, sink) => new Call(provider, request, sink, pools, slots, watch, monotonic)
}

/** One call under way: a class because it has identity and a lifecycle, and is undici's handler itself. */
class Call implements UpstreamCall, Dispatcher.DispatchHandler, Overseen {
  watchedAt: number | undefined
  readonly #provider: Provider
  readonly #sink: UpstreamSink
  readonly #slots: Slots
  readonly #watch: SilenceWatch
  readonly #leaveQueue: () => void
  #controller: Dispatcher.DispatchController | undefined
  #stage: CallStage = 'connecting'
  #holdsSlot = false
  #isOver = false
  #isPaused = false
  #hasInterim = false
  /** When it was seen silent first; undefined = it has been heard since the last look. */
  #silentSince: MonotonicMs | undefined

  constructor(
    provider: Provider,
    request: OutboundRequest,
    sink: UpstreamSink,
    pools: Pools,
    slots: Slots,
    watch: SilenceWatch,
    monotonic: () => MonotonicMs,
  ) {
    this.#provider = provider
    this.#sink = sink
    this.#slots = slots
    this.#watch = watch
    const askedAt = monotonic()
    this.#leaveQueue = slots.acquire(provider, {
      granted: () => {
        this.#holdsSlot = true
        sink.started(monotonic() - askedAt)
        try {
          pools.of(provider).dispatch(dispatchOptions(provider, request), this)
        } catch (error) {
          this.#fail(upstreamFailure(error, 'connecting')) // whoever gave the slot back must not be the one to hear of it
        }
      },
      refused: () => this.#fail({ error: 'overloaded', mayHaveRun: false, detail: 'no free slot' }),
    })
  }

  abort(): void {
    if (this.#isOver) return
    this.#leaveQueue()
    this.#finish()
    this.#controller?.abort(new Error('client closed'))
  }

  resume(): void {
    this.#isPaused = false
    this.#silentSince = undefined
    this.#controller?.resume()
  }

  look(now: MonotonicMs): void {
    // A client that is behind keeps the upstream from being read, which is no silence of the upstream's.
    if (this.#isPaused) return
    if (this.#silentSince === undefined) {
      this.#silentSince = now
      return
    }
    const isAnswering = this.#stage === 'answering'
    const { firstByteTimeoutMs, idleTimeoutMs } = this.#provider
    if (now - this.#silentSince < (isAnswering ? idleTimeoutMs : firstByteTimeoutMs)) return
    this.#watch.remove(this)
    this.#controller?.abort(isAnswering ? new errors.BodyTimeoutError() : new errors.HeadersTimeoutError())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) return controller.abort(new Error('client closed'))
    this.#stage = 'sent'
    this.#watch.add(this)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#isOver) return
    if (status < 200) {
      // 1xx: interim, the answer is still to come. The first is a sign of life; one after the other is no answer either.
      if (!this.#hasInterim) this.#silentSince = undefined
      this.#hasInterim = true
      return
    }
    this.#silentSince = undefined
    this.#stage = 'answering'
    this.#sink.head(status, reasonPhrase(statusText ?? '', 'utf8'), rawHeaders(controller.rawHeaders))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.#silentSince = undefined
    if (this.#sink.data(chunk)) return
    this.#isPaused = true
    controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return
    this.#finish()
    this.#sink.end(rawHeaders(controller.rawTrailers))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isOver) this.#fail(upstreamFailure(error, this.#stage))
  }

  #fail(failure: Parameters<UpstreamSink['failed']>[0]): void {
    this.#finish()
    this.#sink.failed(failure)
  }

  #finish(): void {
    this.#isOver = true
    this.#watch.remove(this)
    if (!this.#holdsSlot) return
    this.#holdsSlot = false
    this.#slots.release(this.#provider)
  }
}

function dispatchOptions(provider: Provider, request: OutboundRequest): Dispatcher.DispatchOptions {
  const prefix = provider.baseUrl.pathname
  return {
    method: request.method,
    path: prefix === '/' ? request.path : prefix + request.path,
    headers: request.headers,
    body: request.body,
    headersTimeout: 0, // both limits are kept by the silence watch
    bodyTimeout: 0,
  }
}

function rawHeaders(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return []
  const out: string[] = []
  for (const part of raw) out.push(typeof part === 'string' ? part : part.toString('latin1'))
  return out
}
