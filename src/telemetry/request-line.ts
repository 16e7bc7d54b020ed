import type { Exchange } from '../domain/exchange.ts'
import { totalsOf } from '../domain/exchange-totals.ts'
import type { Policy } from '../domain/policy.ts'
import type { Observer } from '../domain/ports.ts'
import { inputTokens, outputTokens } from '../domain/usage.ts'
import { isoTime } from './iso-time.ts'
import { isLogged } from './logger.ts'
import type { LogLevel } from './logger.ts'

export type RequestLineOptions = {
  /** Asked for every request: level, and whether there are request lines at all. */
  readonly settings: () => Policy['log']
  readonly write: (line: string) => void
}

/** Model names come from clients. The longest real ones have about 150 characters. */
const LONGEST_NAME = 200

/**
 * Writes one JSON line per finished request, always with the same fields, null where a value is unknown:
 *
 * - `ts` (when it ended, ISO 8601 in UTC), `level`, `event` = `"request"`, `trace_id`
 * - `route`, `api`, `provider`, `model` (as asked), `model_served`, `stream`
 * - `status` (0 = none was sent), `outcome`, `error` (an error code)
 * - `input_tokens`, `output_tokens`, `cache_read_tokens`, `cost_usd`, over all calls made for the client
 * - `latency_ms`, `ttft_ms` (both from the request's arrival), `overhead_ms`, `attempts`, `request_bytes`, `response_bytes`
 *
 * Only what is named here goes out: no header, key, path or body can. Built with JSON.stringify: 0.9 µs, where a
 * pino child costs 2.5 µs; a template literal gains little and trusts every name not to need escaping.
 */
export function createRequestLine({ settings, write }: RequestLineOptions): Observer {
  const timeText = isoTime()
  return (exchange) => {
    const { level, requests } = settings()
    const line = levelOf(exchange)
    if (!requests || !isLogged(line, level)) return
    const { request } = exchange
    const { attempts, last, firstTokenMs, usage, picoUsd } = totalsOf(exchange)
    const text = JSON.stringify({
      ts: timeText(exchange.receivedAt + exchange.durationMs),
      level: line,
      event: 'request',
      trace_id: request.id,
      route: exchange.decision.route,
      api: request.api,
      provider: last?.target.provider ?? request.provider,
      model: nameOrNull(request.model),
      model_served: nameOrNull(last?.servedModel),
      stream: request.isStream,
      status: exchange.status,
      outcome: exchange.outcome,
      error: exchange.error ?? null,
      input_tokens: usage === undefined ? null : inputTokens(usage),
      output_tokens: usage === undefined ? null : outputTokens(usage),
      cache_read_tokens: usage?.cacheReadTokens ?? null,
      // Exact up to 2^53 pico-dollars, nine thousand dollars for one request.
      cost_usd: picoUsd === undefined ? null : Number(picoUsd) / 1e12,
      latency_ms: roundToMicros(exchange.durationMs),
      ttft_ms: firstTokenMs === undefined ? null : roundToMicros(firstTokenMs),
      overhead_ms: roundToMicros(exchange.overheadMs),
      attempts,
      request_bytes: request.requestBytes,
      response_bytes: exchange.responseBytes,
    })
    write(`${text}\n`)
  }
}

/** What the client or the provider did is information; a request that came to no whole answer is a warning. */
function levelOf({ outcome, error }: Exchange): LogLevel {
  if (error === 'internal') return 'error'
  return outcome === 'unavailable' || outcome === 'interrupted' ? 'warn' : 'info'
}

function nameOrNull(name: string | undefined): string | null {
  return name === undefined ? null : name.slice(0, LONGEST_NAME)
}

function roundToMicros(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}
