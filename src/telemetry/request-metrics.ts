import type { ErrorCode } from '../domain/errors.ts'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import { isForClient, mayBeBilled, totalsOf } from '../domain/exchange-totals.ts'
import type { Observer } from '../domain/ports.ts'
import type { Usage } from '../domain/usage.ts'
import { createCounterFamily } from './counter-family.ts'
import type { Counter } from './counter-family.ts'
import type { Family } from './exposition.ts'
import { createHistogramFamily } from './histogram-family.ts'
import type { Histogram } from './histogram-family.ts'
import { createModelLabels, NONE, OTHER } from './model-labels.ts'

/** Pairs of provider and model with a label of their own; the rest is `other`. */
const MODEL_LIMIT = 200

/** Calls to models last from tens of milliseconds (embeddings) to many minutes (reasoning). Seconds. */
const DURATION_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600]
const FIRST_TOKEN_BOUNDS = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 60]
/** What the proxy adds: fractions of a millisecond when all is well. Seconds. */
const OVERHEAD_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

/** Refused before a provider was known: the name in the path is the client's invention and no label. */
const WITHOUT_PROVIDER: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'bad_framing',
  'headers_too_large',
  'unknown_provider',
  'no_route',
  'reserved_path',
])

const TOKEN_BUCKETS = [
  ['uncached_input', 'uncachedInputTokens'],
  ['cache_read', 'cacheReadTokens'],
  ['cache_write_5m', 'cacheWrite5mTokens'],
  ['cache_write_1h', 'cacheWrite1hTokens'],
  ['audio_input', 'audioInputTokens'],
  ['text_output', 'textOutputTokens'],
  ['reasoning', 'reasoningTokens'],
  ['audio_output', 'audioOutputTokens'],
] as const satisfies readonly (readonly [string, keyof Usage])[]

/** Everything that a request with one set of labels adds to, resolved once. */
type CallSeries = {
  readonly labels: readonly [provider: string, api: string, model: string, route: string]
  readonly duration: Histogram
  readonly overhead: Histogram
  /** By outcome and status. */
  readonly requests: Map<string, Counter>
  readonly tokens: (Counter | undefined)[]
  firstToken: Histogram | undefined
  cost: Counter | undefined
}

export type RequestMetrics = { readonly observe: Observer; readonly families: readonly Family[] }

/** Metrics of the request path. One observation costs well under a microsecond once its label set has been seen. */
export function createRequestMetrics(): RequestMetrics {
  const call = ['provider', 'api', 'model', 'route']
  const requests = createCounterFamily({
    name: 'understudy_requests_total',
    help: 'Client requests, by how they ended and the status that the client saw (0 = none was sent).',
    labelNames: [...call, 'outcome', 'status'],
  })
  const errors = createCounterFamily({
    name: 'understudy_errors_total',
    help: 'Client requests that failed or were refused, by error code.',
    labelNames: ['provider', 'api', 'code'],
  })
  const duration = createHistogramFamily({
    name: 'understudy_request_duration_seconds',
    help: 'From the first header byte of the request to the last byte of the answer.',
    labelNames: [...call, 'stream'],
    bounds: DURATION_BOUNDS,
  })
  const firstToken = createHistogramFamily({
    name: 'understudy_time_to_first_token_seconds',
    help: 'From the first header byte of the request to the first event that carries content; streamed answers only.',
    labelNames: call,
    bounds: FIRST_TOKEN_BOUNDS,
  })
  const overhead = createHistogramFamily({
    name: 'understudy_overhead_seconds',
    help: 'Time that the proxy itself added to a request.',
    labelNames: ['api', 'stream'],
    bounds: OVERHEAD_BOUNDS,
  })
  const tokens = createCounterFamily({
    name: 'understudy_tokens_total',
    help: 'Tokens of calls made for clients by disjoint bucket, as the providers reported them.',
    labelNames: [...call, 'bucket'],
  })
  const cost = createCounterFamily({
    name: 'understudy_cost_usd_total',
    help: 'Cost of priced calls made for clients in US dollars; see understudy_unpriced_total for the others.',
    labelNames: call,
    unit: 1e12,
  })
  const unpriced = createCounterFamily({
    name: 'understudy_unpriced_total',
    help: 'Calls made for clients that the provider may bill and whose cost is unknown.',
    labelNames: [...call, 'why'],
  })

  const fallbacks = createCounterFamily({
    name: 'understudy_fallbacks_total',
    help: 'Calls made because the one before for the same request had failed, by the provider left and why.',
    labelNames: ['route', 'provider', 'next_provider', 'reason'],
  })

  const models = createModelLabels(MODEL_LIMIT)
  const known = new Map<string, CallSeries>()

  function seriesOf(exchange: Exchange, attempt: Attempt | undefined): CallSeries {
    const { request, decision } = exchange
    const provider = attempt?.target.provider ?? (WITHOUT_PROVIDER.has(exchange.error) ? NONE : request.provider)
    const model = attempt?.target.model ?? request.model
    const stream = request.isStream ? 'true' : 'false'
    // The model comes last because it alone may hold any character.
    const prefix = `${provider}\n${request.api}\n${decision.route}\n${stream}\n`
    const cached = known.get(prefix + (model ?? ''))
    if (cached !== undefined) return cached

    const isServed = attempt?.outcome.kind === 'completed' && attempt.outcome.status < 400
    const modelLabel = models.label(provider, model, isServed)
    // Names without a label of their own are not kept, or hostile ones would pile up here.
    const key = prefix + (modelLabel === OTHER ? OTHER : (model ?? ''))
    const shared = known.get(key)
    if (shared !== undefined) return shared
    const labels = [provider, request.api, modelLabel, decision.route] as const
    const made: CallSeries = {
      labels,
      duration: duration.series(...labels, stream),
      overhead: overhead.series(request.api, stream),
      requests: new Map(),
      tokens: [],
      firstToken: undefined,
      cost: undefined,
    }
    known.set(key, made)
    return made
  }

  function addAttempt(series: CallSeries, attempt: Attempt): void {
    const { usage } = attempt
    if (usage !== undefined) {
      for (let index = 0; index < TOKEN_BUCKETS.length; index++) {
        const bucket = TOKEN_BUCKETS[index]
        if (bucket === undefined || !(usage[bucket[1]] > 0)) continue
        const counter = (series.tokens[index] ??= tokens.series(...series.labels, bucket[0]))
        counter.value += usage[bucket[1]]
      }
    }
    if (attempt.cost.kind === 'priced') {
      series.cost ??= cost.series(...series.labels)
      series.cost.value += Number(attempt.cost.picoUsd)
    } else if (attempt.cost.kind === 'unpriced' && mayBeBilled(attempt)) {
      unpriced.series(...series.labels, attempt.cost.why).value += 1
    }
  }

  function countFallbacks({ decision, attempts }: Exchange): void {
    attempts.forEach(({ target, fallbackReason }, position) => {
      const left = attempts[position - 1]?.target.provider
      if (fallbackReason === undefined || left === undefined) return
      fallbacks.series(decision.route, left, target.provider, fallbackReason).value += 1
    })
  }

  return {
    families: [requests, errors, duration, firstToken, overhead, tokens, cost, unpriced, fallbacks],
    observe: (exchange) => {
      const { last, firstTokenMs } = totalsOf(exchange)
      const series = seriesOf(exchange, last)
      const ended = `${exchange.outcome} ${exchange.status}`
      let counter = series.requests.get(ended)
      if (counter === undefined) {
        counter = requests.series(...series.labels, exchange.outcome, String(exchange.status))
        series.requests.set(ended, counter)
      }
      counter.value += 1
      series.duration.observe(exchange.durationMs / 1000)
      series.overhead.observe(exchange.overheadMs / 1000)
      if (exchange.error !== undefined) errors.series(series.labels[0], series.labels[1], exchange.error).value += 1
      if (last?.streamEvents !== undefined && firstTokenMs !== undefined) {
        series.firstToken ??= firstToken.series(...series.labels)
        series.firstToken.observe(firstTokenMs / 1000)
      }
      // Each attempt counts for the target it went to: a fallback's cost is not the primary's.
      for (const attempt of exchange.attempts) {
        if (isForClient(attempt.role)) addAttempt(attempt === last ? series : seriesOf(exchange, attempt), attempt)
      }
      if (exchange.attempts.length > 1) countFallbacks(exchange)
    },
  }
}
