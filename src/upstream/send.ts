import { errors } from 'undici'
import type { Dispatcher } from 'undici'
import type { MonotonicMs } from '../domain/units.ts'
import type { OutboundRequest, SendUpstream, UpstreamCall, UpstreamSink } from '../domain/upstream-call.ts'
import type { Provider } from '../domain/policy.ts'
import type { CallStage } from './failure.ts'
import { upstreamFailure } from './failure.ts'
import type { Pools } from './pools.ts'
import { reasonPhrase } from './reason-phrase.ts'
import type { Slots } from './slots.ts'

/**
 * Sends calls through one pool per provider, within the provider's limits. What the upstream answers is handed on as
 * it comes: raw headers, raw chunks, backpressure both ways.
 */
export function createSend(pools: Pools, slots: Slots, monotonic: () => MonotonicMs): SendUpstream {
  return (provider, request, sink) => new Call(provider, request, sink, pools, slots, monotonic)
}

/** One call under way: a class because it has identity and a lifecycle, and is undici's handler itself. */
class Call implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #provider: Provider
  readonly #sink: UpstreamSink
  readonly #slots: Slots
  readonly #leaveQueue: () => void
  #controller: Dispatcher.DispatchController | undefined
  #stage: CallStage = 'connecting'
  #holdsSlot = false
  #isOver = false
  #interimTimer: NodeJS.Timeout | undefined

  constructor(
    provider: Provider,
    request: OutboundRequest,
    sink: UpstreamSink,
    pools: Pools,
    slots: Slots,
    monotonic: () => MonotonicMs,
  ) {
    this.#provider = provider
    this.#sink = sink
    this.#slots = slots
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
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(new Error('client closed'))
    else this.#stage = 'sent'
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#isOver) return
    if (status < 200) {
      // 1xx: interim, the answer is still to come. Each one restarts undici's own time limit, so that it never ends.
      this.#interimTimer ??= setTimeout(
        () => controller.abort(new errors.HeadersTimeoutError()),
        this.#provider.firstByteTimeoutMs,
      )
      return
    }
    clearTimeout(this.#interimTimer)
    this.#stage = 'answering'
    this.#sink.head(status, reasonPhrase(statusText ?? '', 'utf8'), rawHeaders(controller.rawHeaders))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver && !this.#sink.data(chunk)) controller.pause()
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
    clearTimeout(this.#interimTimer)
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
    headersTimeout: provider.firstByteTimeoutMs,
    bodyTimeout: provider.idleTimeoutMs,
  }
}

function rawHeaders(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return []
  const out: string[] = []
  for (const part of raw) out.push(typeof part === 'string' ? part : part.toString('latin1'))
  return out
}
