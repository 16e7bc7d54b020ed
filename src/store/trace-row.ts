import { armEvents } from '../dialects/arm-events.ts'
import { DEFAULT_ROUTE, type RejectedTarget } from '../domain/decide.ts'
import type { Exchange } from '../domain/exchange.ts'
import { totalsOf } from '../domain/exchange-totals.ts'
import { type DecisionInputs, writeInputs } from '../domain/routing/replay.ts'
import type { Target } from '../domain/target.ts'
import { errorTypeOf } from './outcome-fields.ts'
import {
  costField,
  countField,
  durationField,
  type Field,
  type FieldsOf,
  LIST_ENTRIES,
  mapField,
  rowLine,
  smallCountField,
  textField,
  textOrDefault,
  textsField,
  timeField,
} from './row-fields.ts'

// Columns and fields, line by line alike: the compiler counts them. Written out in full because this runs for every
// request, and going over a list of names, or spreading one part of a row into another, costs several times as much.

/** Columns of table `traces`, in the order of `traceRow`. */
export const TRACE_COLUMNS = [
  'trace_id',
  'received_at',
  'instance',
  'provider',
  'dialect',
  'api',
  'method',
  'path',
  'requested_model',
  'is_stream',
  'request_bytes',
  'has_tools',
  'has_schema',
  'injects_usage',
  'unreadable',
  'team',
  'user',
  'session',
  'route_asked',
  'tags',
  'task',
  'end_user',
  'conversation',
  'key_subject',
  'user_agent',
  'sdk_retry',
  'sdk_timeout_s',
  'parent_trace_id',
  'route',
  'arm',
  'targets',
  'reasons',
  'policy_version',
  'outcome',
  'status',
  'error',
  'response_bytes',
  'duration_ms',
  'overhead_ms',
  'first_token_ms',
  'attempts',
  'served_provider',
  'target_model',
  'served_model',
  'finish_reason',
  'error_type',
  'uncached_input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'audio_input_tokens',
  'text_output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'web_search_requests',
  'usage_is_partial',
  'cost_usd',
  'unpriced_attempts',
  'complexity',
  'task_source',
  'complexity_source',
  'rule',
  'refused',
  'rejected',
  'overlay_revision',
  'unit',
  'unit_source',
  'decision_inputs',
  'rollout',
  'rollout_revision',
  'rollout_epoch',
  'rollout_stage',
  'rollout_step',
  'is_compared',
  'arm_events',
] as const

/** The row of table `traces` for one exchange: a JSON array of `TRACE_COLUMNS` on one line, without the newline. */
export function traceRow(exchange: Exchange, instance: string): string {
  const { request, decision, inputs } = exchange
  const labels = inputs?.facts.labels
  const routed = decision.route === DEFAULT_ROUTE && !('refused' in decision) ? undefined : inputs
  const { controls, client, shape } = request
  const { rollout } = decision
  const { attempts, last, firstTokenMs, usage, usageIsPartial, picoUsd, unpricedAttempts } = totalsOf(exchange)
  const fields: FieldsOf<typeof TRACE_COLUMNS> = [
    request.id,
    timeField(exchange.receivedAt),
    instance,
    textField(request.provider),
    request.dialect,
    request.api,
    textField(request.method),
    textField(request.path),
    textField(request.model),
    request.isStream,
    countField(request.requestBytes),
    shape.hasTools,
    shape.hasSchema,
    shape.injectsUsage,
    textField(shape.unreadable),
    textField(controls.team),
    textField(controls.user),
    textField(controls.session),
    textField(controls.route),
    mapField(controls.tags),
    textOrDefault(labels?.task ?? controls.task),
    textField(shape.endUser),
    textField(shape.conversation),
    textField(client.keySubject),
    textField(client.userAgent),
    smallCountField(client.sdkRetry),
    durationField(client.sdkTimeoutSeconds),
    textField(client.traceParent?.traceId),
    textField(decision.route),
    decision.arm,
    'refused' in decision ? [] : decision.targets.slice(0, LIST_ENTRIES).map(targetField),
    textsField(decision.reasons),
    textField(decision.policyVersion),
    exchange.outcome,
    smallCountField(exchange.status),
    textField(exchange.error),
    countField(exchange.responseBytes),
    durationField(exchange.durationMs),
    durationField(exchange.overheadMs),
    durationField(firstTokenMs),
    smallCountField(attempts),
    textField(last?.target.provider),
    textField(last?.target.model),
    textField(last?.servedModel),
    textField(last?.finishReason),
    textField(errorTypeOf(last?.outcome)),
    countField(usage?.uncachedInputTokens),
    countField(usage?.cacheReadTokens),
    countField(usage?.cacheWrite5mTokens),
    countField(usage?.cacheWrite1hTokens),
    countField(usage?.audioInputTokens),
    countField(usage?.textOutputTokens),
    countField(usage?.reasoningTokens),
    countField(usage?.audioOutputTokens),
    countField(usage?.webSearchRequests),
    usageIsPartial,
    costField(picoUsd),
    smallCountField(unpricedAttempts),
    textOrDefault(labels?.complexity),
    textField(labels?.taskSource),
    textField(labels?.complexitySource),
    textField(decision.rule),
    'refused' in decision ? decision.refused : '',
    rejectedField(decision.rejected),
    decision.overlayRevision ?? '',
    textField(routed?.facts.unit.value),
    textField(routed?.facts.unit.source),
    inputsField(routed),
    rollout === undefined ? '' : rollout.name,
    rollout === undefined ? 0 : rollout.revision,
    rollout === undefined ? 0 : rollout.epoch,
    rollout === undefined ? '' : rollout.stage,
    rollout === undefined ? 0 : rollout.percent,
    rollout !== undefined && rollout.isCompared,
    rollout === undefined ? NO_EVENTS : armEvents(exchange),
  ]
  return rowLine(fields)
}

/** Beyond it a client has filled its headers on purpose: such a decision cannot be made again. */
const INPUTS_CHARS = 16_384

/** Empty on the default route. */
function inputsField(inputs: DecisionInputs | undefined): string {
  if (inputs === undefined) return ''
  const text = writeInputs(inputs)
  return text.length > INPUTS_CHARS ? '' : text
}

const NONE_REJECTED: readonly Field[] = []
const NO_EVENTS: readonly Field[] = []

function rejectedField(rejected: readonly RejectedTarget[] | undefined): readonly Field[] {
  if (rejected === undefined || rejected.length === 0) return NONE_REJECTED
  return rejected.slice(0, LIST_ENTRIES).map(({ target, why }) => ({ target: textField(target), why }))
}

function targetField(target: Target): Field {
  return { provider: textField(target.provider), model: textField(target.model) }
}
