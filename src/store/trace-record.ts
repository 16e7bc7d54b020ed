import type { EpochMs } from '../domain/units.ts'
import type { Row } from './client.ts'
import {
  readDecimal,
  readFlag,
  readMap,
  readNumber,
  readOptionalNumber,
  readRows,
  readText,
  readTexts,
  readTime,
} from './read-row.ts'

/** One request as stored. Empty text = absent; undefined = unknown; durations in ms; US dollars as exact decimals. */
export type TraceRecord = {
  readonly traceId: string
  readonly receivedAt: EpochMs
  readonly instance: string
  readonly provider: string
  readonly dialect: string
  readonly api: string
  readonly method: string
  readonly path: string
  readonly requestedModel: string
  readonly isStream: boolean
  readonly requestBytes: number
  readonly team: string
  readonly user: string
  readonly session: string
  readonly tags: Row
  readonly keySubject: string
  readonly userAgent: string
  readonly task: string
  readonly complexity: string
  readonly route: string
  readonly arm: string
  readonly targets: readonly { readonly provider: string; readonly model: string }[]
  readonly reasons: readonly string[]
  readonly policyVersion: string
  readonly outcome: string
  readonly status: number
  readonly error: string
  readonly errorType: string
  readonly responseBytes: number
  readonly durationMs: number
  readonly overheadMs: number
  readonly firstTokenMs: number | undefined
  readonly attempts: number
  readonly servedProvider: string
  readonly servedModel: string
  readonly finishReason: string
  readonly usage: UsageRecord
  readonly costUsd: string | undefined
  readonly unpricedAttempts: number
}

/** Disjoint token counts; undefined = unknown. */
export type UsageRecord = {
  readonly uncachedInputTokens: number | undefined
  readonly cacheReadTokens: number | undefined
  readonly cacheWrite5mTokens: number | undefined
  readonly cacheWrite1hTokens: number | undefined
  readonly audioInputTokens: number | undefined
  readonly textOutputTokens: number | undefined
  readonly reasoningTokens: number | undefined
  readonly audioOutputTokens: number | undefined
  readonly webSearchRequests: number | undefined
  readonly isPartial: boolean
}

/** One upstream call as stored; conventions as in `TraceRecord`. */
export type AttemptRecord = {
  readonly attemptId: string
  readonly position: number
  readonly startedAt: EpochMs
  readonly role: string
  readonly provider: string
  readonly model: string
  readonly outcome: string
  readonly status: number
  readonly error: string
  readonly errorType: string
  readonly mayHaveRun: boolean
  readonly fallbackReason: string
  readonly queueMs: number
  readonly firstByteMs: number | undefined
  readonly firstTokenMs: number | undefined
  readonly durationMs: number
  readonly responseBytes: number
  readonly streamEvents: number | undefined
  readonly servedModel: string
  readonly providerRequestId: string
  readonly responseId: string
  readonly finishReason: string
  readonly serviceTier: string
  readonly usage: UsageRecord
  readonly providerInputTokens: number | undefined
  readonly providerOutputTokens: number | undefined
  readonly usageParts: readonly { readonly model: string; readonly tokens: Row }[]
  readonly costUsd: string | undefined
  readonly priceSource: string
  readonly unpricedWhy: string
  /** Pico-dollars per token by usage column. */
  readonly ratesPicoUsd: Row
}

const USAGE_COLUMNS = `uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
  audio_input_tokens, text_output_tokens, reasoning_tokens, audio_output_tokens, web_search_requests, usage_is_partial`

/** What `parseTrace` needs selected from `traces`. */
export const TRACE_COLUMNS = `toString(trace_id) AS id, toUnixTimestamp64Milli(received_at) AS received_at_ms, instance,
  provider, dialect, api, method, path, requested_model, is_stream, request_bytes, team, user, session, tags,
  key_subject, user_agent, task, complexity, route, arm, targets, reasons, policy_version, outcome, status, error,
  error_type, response_bytes, duration_ms, overhead_ms, first_token_ms, attempts, served_provider, served_model,
  finish_reason, ${USAGE_COLUMNS}, cost_usd, unpriced_attempts`

/** What `parseAttempt` needs selected from `attempts`. */
export const ATTEMPT_COLUMNS = `toString(attempt_id) AS id, position, toUnixTimestamp64Milli(started_at) AS started_at_ms,
  role, provider, model, outcome, status, error, error_type, may_have_run, fallback_reason, queue_ms, first_byte_ms,
  first_token_ms, duration_ms, response_bytes, stream_events, served_model, provider_request_id, response_id,
  finish_reason, service_tier, ${USAGE_COLUMNS}, provider_input_tokens, provider_output_tokens, usage_parts, cost_usd,
  price_source, unpriced_why, rates_pico_usd`

export function parseTrace(row: Row): TraceRecord {
  return {
    traceId: readText(row, 'id'),
    receivedAt: readTime(row, 'received_at_ms'),
    instance: readText(row, 'instance'),
    provider: readText(row, 'provider'),
    dialect: readText(row, 'dialect'),
    api: readText(row, 'api'),
    method: readText(row, 'method'),
    path: readText(row, 'path'),
    requestedModel: readText(row, 'requested_model'),
    isStream: readFlag(row, 'is_stream'),
    requestBytes: readNumber(row, 'request_bytes'),
    team: readText(row, 'team'),
    user: readText(row, 'user'),
    session: readText(row, 'session'),
    tags: readMap(row, 'tags'),
    keySubject: readText(row, 'key_subject'),
    userAgent: readText(row, 'user_agent'),
    task: readText(row, 'task'),
    complexity: readText(row, 'complexity'),
    route: readText(row, 'route'),
    arm: readText(row, 'arm'),
    targets: readRows(row, 'targets').map((target) => ({
      provider: readText(target, 'provider'),
      model: readText(target, 'model'),
    })),
    reasons: readTexts(row, 'reasons'),
    policyVersion: readText(row, 'policy_version'),
    outcome: readText(row, 'outcome'),
    status: readNumber(row, 'status'),
    error: readText(row, 'error'),
    errorType: readText(row, 'error_type'),
    responseBytes: readNumber(row, 'response_bytes'),
    durationMs: readNumber(row, 'duration_ms'),
    overheadMs: readNumber(row, 'overhead_ms'),
    firstTokenMs: readOptionalNumber(row, 'first_token_ms'),
    attempts: readNumber(row, 'attempts'),
    servedProvider: readText(row, 'served_provider'),
    servedModel: readText(row, 'served_model'),
    finishReason: readText(row, 'finish_reason'),
    usage: parseUsage(row),
    costUsd: readDecimal(row, 'cost_usd'),
    unpricedAttempts: readNumber(row, 'unpriced_attempts'),
  }
}

export function parseAttempt(row: Row): AttemptRecord {
  return {
    attemptId: readText(row, 'id'),
    position: readNumber(row, 'position'),
    startedAt: readTime(row, 'started_at_ms'),
    role: readText(row, 'role'),
    provider: readText(row, 'provider'),
    model: readText(row, 'model'),
    outcome: readText(row, 'outcome'),
    status: readNumber(row, 'status'),
    error: readText(row, 'error'),
    errorType: readText(row, 'error_type'),
    mayHaveRun: readFlag(row, 'may_have_run'),
    fallbackReason: readText(row, 'fallback_reason'),
    queueMs: readNumber(row, 'queue_ms'),
    firstByteMs: readOptionalNumber(row, 'first_byte_ms'),
    firstTokenMs: readOptionalNumber(row, 'first_token_ms'),
    durationMs: readNumber(row, 'duration_ms'),
    responseBytes: readNumber(row, 'response_bytes'),
    streamEvents: readOptionalNumber(row, 'stream_events'),
    servedModel: readText(row, 'served_model'),
    providerRequestId: readText(row, 'provider_request_id'),
    responseId: readText(row, 'response_id'),
    finishReason: readText(row, 'finish_reason'),
    serviceTier: readText(row, 'service_tier'),
    usage: parseUsage(row),
    providerInputTokens: readOptionalNumber(row, 'provider_input_tokens'),
    providerOutputTokens: readOptionalNumber(row, 'provider_output_tokens'),
    usageParts: readRows(row, 'usage_parts').map((part) => ({
      model: readText(part, 'model'),
      tokens: readMap(part, 'tokens'),
    })),
    costUsd: readDecimal(row, 'cost_usd'),
    priceSource: readText(row, 'price_source'),
    unpricedWhy: readText(row, 'unpriced_why'),
    ratesPicoUsd: readMap(row, 'rates_pico_usd'),
  }
}

function parseUsage(row: Row): UsageRecord {
  return {
    uncachedInputTokens: readOptionalNumber(row, 'uncached_input_tokens'),
    cacheReadTokens: readOptionalNumber(row, 'cache_read_tokens'),
    cacheWrite5mTokens: readOptionalNumber(row, 'cache_write_5m_tokens'),
    cacheWrite1hTokens: readOptionalNumber(row, 'cache_write_1h_tokens'),
    audioInputTokens: readOptionalNumber(row, 'audio_input_tokens'),
    textOutputTokens: readOptionalNumber(row, 'text_output_tokens'),
    reasoningTokens: readOptionalNumber(row, 'reasoning_tokens'),
    audioOutputTokens: readOptionalNumber(row, 'audio_output_tokens'),
    webSearchRequests: readOptionalNumber(row, 'web_search_requests'),
    isPartial: readFlag(row, 'usage_is_partial'),
  }
}
