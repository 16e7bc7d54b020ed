import type { Cost } from '../domain/cost.ts'
import type { Attempt, Exchange } from '../domain/exchange.ts'
import type { Controls, LlmRequest } from '../domain/request.ts'
import { errorOf, errorTypeOf, statusOf } from './outcome-fields.ts'
import {
  costField,
  countField,
  durationField,
  type FieldsOf,
  rowLine,
  smallCountField,
  textField,
  textsField,
  textOrDefault,
  timeField,
} from './row-fields.ts'
import { ratesField, usagePartsField } from './usage-fields.ts'

// Columns and fields, line by line alike: the compiler counts them. Written out in full because this runs for every
// request, and going over a list of names, or spreading one part of a row into another, costs several times as much.

/** Columns of table `attempts`, in the order of `attemptRow`. */
export const ATTEMPT_COLUMNS = [
  'attempt_id',
  'trace_id',
  'position',
  'started_at',
  'instance',
  'role',
  'provider',
  'model',
  'api',
  'is_stream',
  'route',
  'arm',
  'task',
  'team',
  'policy_version',
  'outcome',
  'status',
  'error',
  'error_type',
  'may_have_run',
  'fallback_reason',
  'queue_ms',
  'first_byte_ms',
  'first_token_ms',
  'duration_ms',
  'response_bytes',
  'stream_events',
  'served_model',
  'provider_request_id',
  'response_id',
  'finish_reason',
  'service_tier',
  'uncached_input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'audio_input_tokens',
  'text_output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'web_search_requests',
  'provider_input_tokens',
  'provider_output_tokens',
  'usage_is_partial',
  'usage_parts',
  'cost_usd',
  'price_source',
  'unpriced_why',
  'rates_pico_usd',
  'shadow',
  'shadow_arm',
  'pair_id',
  'adaptations',
] as const

/** The rows of table `attempts` for one exchange, in the order of its attempts. */
export function attemptRows(exchange: Exchange, instance: string): string[] {
  return exchange.attempts.map((attempt, position) => attemptRow(exchange, attempt, position, instance))
}

/** What an attempt's row says of the request it was made for. */
export type AttemptSubject = {
  readonly request: Pick<LlmRequest, 'id' | 'api' | 'isStream'> & { readonly controls: Pick<Controls, 'task' | 'team'> }
  readonly decision: Pick<Exchange['decision'], 'route' | 'arm' | 'policyVersion'>
  /** Where routing was asked: they hold the labels that it gave. */
  readonly inputs?: Exchange['inputs']
}

/** One of them: a JSON array of `ATTEMPT_COLUMNS` on one line, without the newline. */
export function attemptRow(subject: AttemptSubject, attempt: Attempt, position: number, instance: string): string {
  const { request, decision } = subject
  const { outcome, usage, cost } = attempt
  const price = cost.kind === 'priced' ? cost : undefined
  const fields: FieldsOf<typeof ATTEMPT_COLUMNS> = [
    attempt.id,
    request.id,
    smallCountField(position),
    timeField(attempt.startedAt),
    instance,
    attempt.role,
    textField(attempt.target.provider),
    textField(attempt.target.model),
    request.api,
    request.isStream,
    textField(decision.route),
    decision.arm,
    textOrDefault(subject.inputs?.facts.labels.task ?? request.controls.task),
    textField(request.controls.team),
    textField(decision.policyVersion),
    outcome.kind,
    smallCountField(statusOf(outcome)),
    textField(errorOf(outcome)),
    textField(errorTypeOf(outcome)),
    outcome.kind === 'unavailable' && outcome.mayHaveRun,
    textField(attempt.fallbackReason),
    durationField(attempt.queueMs),
    durationField(attempt.firstByteMs),
    durationField(attempt.firstTokenMs),
    durationField(attempt.durationMs),
    countField(attempt.responseBytes),
    countField(attempt.streamEvents),
    textField(attempt.servedModel),
    textField(attempt.providerRequestId),
    textField(attempt.responseId),
    textField(attempt.finishReason),
    textField(usage?.serviceTier),
    countField(usage?.uncachedInputTokens),
    countField(usage?.cacheReadTokens),
    countField(usage?.cacheWrite5mTokens),
    countField(usage?.cacheWrite1hTokens),
    countField(usage?.audioInputTokens),
    countField(usage?.textOutputTokens),
    countField(usage?.reasoningTokens),
    countField(usage?.audioOutputTokens),
    countField(usage?.webSearchRequests),
    countField(usage?.providerInputTokens),
    countField(usage?.providerOutputTokens),
    usage?.isPartial === true,
    usagePartsField(usage?.parts),
    costField(price?.picoUsd),
    textField(price?.source),
    unpricedWhy(cost),
    ratesField(price?.rates),
    textField(attempt.shadow?.name),
    attempt.shadow?.arm ?? '',
    attempt.shadow?.pairedWith ?? null,
    attempt.adaptations === undefined ? null : textsField(attempt.adaptations),
  ]
  return rowLine(fields)
}

function unpricedWhy(cost: Cost): string {
  switch (cost.kind) {
    case 'priced':
      return ''
    case 'unpriced':
      return cost.why
    case 'not_billed':
      return cost.kind
  }
}
