import type { Attempt, AttemptOutcome, Exchange } from '../domain/exchange.ts'
import type { Target } from '../domain/target.ts'
import {
  costField,
  countField,
  durationField,
  flagField,
  LIST_ENTRIES,
  mapField,
  quoted,
  textField,
  textsField,
  timeField,
} from './row-fields.ts'
import { type TraceTotals, totalsOf } from './trace-totals.ts'
import { ratesField, usageFields, usagePartsField } from './usage-fields.ts'

/** The row of table `traces` for one exchange: a JSON object on one line, without the newline. */
export function traceRow(exchange: Exchange, instance: string): string {
  return (
    `{"trace_id":"${exchange.request.id}"` +
    timeField('received_at', exchange.receivedAt) +
    textField('instance', instance) +
    requestFields(exchange) +
    controlFields(exchange) +
    decisionFields(exchange) +
    outcomeFields(exchange, totalsOf(exchange)) +
    '}'
  )
}

/** The rows of table `attempts` for one exchange, in the order of its attempts. */
export function attemptRows(exchange: Exchange, instance: string): string[] {
  return exchange.attempts.map((attempt, position) => attemptRow(exchange, attempt, position, instance))
}

function requestFields({ request }: Exchange): string {
  const { shape } = request
  return (
    textField('provider', request.provider) +
    textField('dialect', request.dialect) +
    textField('api', request.api) +
    textField('method', request.method) +
    textField('path', request.path) +
    textField('requested_model', request.model) +
    flagField('is_stream', request.isStream) +
    countField('request_bytes', request.requestBytes) +
    flagField('has_tools', shape.hasTools) +
    flagField('has_schema', shape.hasSchema) +
    flagField('injects_usage', shape.injectsUsage) +
    textField('unreadable', shape.unreadable)
  )
}

function controlFields({ request: { controls, client, shape } }: Exchange): string {
  return (
    textField('team', controls.team) +
    textField('user', controls.user) +
    textField('session', controls.session) +
    textField('route_asked', controls.route) +
    mapField('tags', controls.tags) +
    textField('task', controls.task) +
    textField('end_user', shape.endUser) +
    textField('conversation', shape.conversation) +
    textField('key_subject', client.keySubject) +
    textField('user_agent', client.userAgent) +
    smallCountField('sdk_retry', client.sdkRetry) +
    durationField('sdk_timeout_s', client.sdkTimeoutSeconds) +
    textField('parent_trace_id', client.traceParent?.traceId)
  )
}

function decisionFields({ decision }: Exchange): string {
  return (
    textField('route', decision.route) +
    textField('arm', decision.arm) +
    `,"targets":[${decision.targets.slice(0, LIST_ENTRIES).map(targetItem).join(',')}]` +
    textsField('reasons', decision.reasons) +
    textField('policy_version', decision.policyVersion)
  )
}

function targetItem(target: Target): string {
  return `{"provider":${quoted(target.provider)},"model":${quoted(target.model ?? '')}}`
}

function outcomeFields(exchange: Exchange, totals: TraceTotals): string {
  const { last } = totals
  return (
    textField('outcome', exchange.outcome) +
    smallCountField('status', exchange.status) +
    textField('error', exchange.error) +
    countField('response_bytes', exchange.responseBytes) +
    durationField('duration_ms', exchange.durationMs) +
    durationField('overhead_ms', exchange.overheadMs) +
    durationField('first_token_ms', totals.firstTokenMs) +
    smallCountField('attempts', totals.attempts) +
    textField('served_provider', last?.target.provider) +
    textField('target_model', last?.target.model) +
    textField('served_model', last?.servedModel) +
    textField('finish_reason', last?.finishReason) +
    textField('error_type', last === undefined ? undefined : errorTypeOf(last.outcome)) +
    usageFields(totals.usage) +
    flagField('usage_is_partial', totals.usageIsPartial) +
    costField('cost_usd', totals.picoUsd) +
    smallCountField('unpriced_attempts', totals.unpricedAttempts)
  )
}

function attemptRow(exchange: Exchange, attempt: Attempt, position: number, instance: string): string {
  const { request, decision } = exchange
  const { outcome, usage, cost } = attempt
  const before = attempt.role === 'fallback' ? exchange.attempts[position - 1] : undefined
  return (
    `{"attempt_id":"${attempt.id}","trace_id":"${request.id}"` +
    smallCountField('position', position) +
    timeField('started_at', attempt.startedAt) +
    textField('instance', instance) +
    textField('role', attempt.role) +
    textField('provider', attempt.target.provider) +
    textField('model', attempt.target.model) +
    textField('api', request.api) +
    flagField('is_stream', request.isStream) +
    textField('route', decision.route) +
    textField('arm', decision.arm) +
    textField('task', request.controls.task) +
    textField('team', request.controls.team) +
    textField('policy_version', decision.policyVersion) +
    textField('outcome', outcome.kind) +
    smallCountField('status', statusOf(outcome)) +
    textField('error', errorOf(outcome)) +
    textField('error_type', errorTypeOf(outcome)) +
    flagField('may_have_run', outcome.kind === 'unavailable' && outcome.mayHaveRun) +
    textField('fallback_reason', before === undefined ? undefined : errorOf(before.outcome)) +
    durationField('queue_ms', attempt.queueMs) +
    durationField('first_byte_ms', attempt.firstByteMs) +
    durationField('first_token_ms', attempt.firstTokenMs) +
    durationField('duration_ms', attempt.durationMs) +
    countField('response_bytes', attempt.responseBytes) +
    countField('stream_events', attempt.streamEvents) +
    textField('served_model', attempt.servedModel) +
    textField('provider_request_id', attempt.providerRequestId) +
    textField('response_id', attempt.responseId) +
    textField('finish_reason', attempt.finishReason) +
    usageFields(usage) +
    (usage === undefined
      ? ''
      : textField('service_tier', usage.serviceTier) +
        countField('provider_input_tokens', usage.providerInputTokens) +
        countField('provider_output_tokens', usage.providerOutputTokens) +
        flagField('usage_is_partial', usage.isPartial) +
        usagePartsField(usage.parts)) +
    (cost.kind === 'priced'
      ? costField('cost_usd', cost.picoUsd) + textField('price_source', cost.source) + ratesField(cost.rates)
      : textField('unpriced_why', cost.why)) +
    '}'
  )
}

/** For UInt16 columns: a larger number is not one that was meant. */
function smallCountField(name: string, value: number | undefined): string {
  return value !== undefined && value > 65_535 ? '' : countField(name, value)
}

function statusOf(outcome: AttemptOutcome): number | undefined {
  return outcome.kind === 'unavailable' ? undefined : outcome.status
}

function errorOf(outcome: AttemptOutcome): string | undefined {
  return outcome.kind === 'completed' || outcome.kind === 'cancelled' ? undefined : outcome.error
}

function errorTypeOf(outcome: AttemptOutcome): string | undefined {
  return outcome.kind === 'refused' ? outcome.errorType : undefined
}
