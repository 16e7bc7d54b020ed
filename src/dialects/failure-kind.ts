import type { RawHeaders } from '../domain/request.ts'
import type { FallbackTrigger } from '../domain/routing/route.ts'
import type { EpochMs } from '../domain/units.ts'
import { type ErrorWords, errorWords } from './error-words.ts'
import { retryAfterMs } from './retry-after.ts'

/**
 * Why a provider did not answer. `error`: its own fault. `rate_limit`: the account has used up what it may. `capacity`:
 * it has too much to do. `context_window`: the prompt is too long for the model. `refusal`: a filter keeps the
 * prompt or the answer back. `key`: it does not take the key; `forbidden`: not for this. `model`: it does not have the model.
 * `elsewhere`: the request goes on from what another account keeps or has sealed. `client`: the request is at fault, and asking elsewhere would hide it.
 */
export type FailureKind =
  | 'error'
  | 'rate_limit'
  | 'capacity'
  | 'context_window'
  | 'refusal'
  | 'key'
  | 'forbidden'
  | 'model'
  | 'elsewhere'
  | 'client'

export type Failure = {
  readonly kind: FailureKind
  /** How long to leave the target alone; undefined where nothing says so. */
  readonly retryAfterMs: number | undefined
}

/** Out of credit or of a day's quota: somebody may have topped it up by then. */
const LASTING_MS = 15 * 60_000

/** What an error answer of any dialect means. `body`: decoded, as much of it as there is. */
export function failureOf(status: number, headers: RawHeaders, body: Buffer, now: EpochMs): Failure {
  return failureIn(errorWords(body), status, headers, now)
}

/** What an error event inside a stream means; the stream's own status was 200. */
export function streamFailureOf(data: string, headers: RawHeaders, now: EpochMs): Failure {
  const words = errorWords(data)
  return failureIn(words, words.status, headers, now)
}

function failureIn(words: ErrorWords, status: number | undefined, headers: RawHeaders, now: EpochMs): Failure {
  if (isUsedUp(words, status)) {
    return { kind: 'rate_limit', retryAfterMs: Math.max(LASTING_MS, retryAfterMs(headers, words, now) ?? 0) }
  }
  const kind = kindOf(words, status)
  const isAsked = kind === 'rate_limit' || kind === 'capacity' || kind === 'error'
  return { kind, retryAfterMs: isAsked ? retryAfterMs(headers, words, now) : undefined }
}

/** Which part of a call is the operator's choice, so that no client can mend it. */
export type OperatorsPart = { readonly key: boolean; readonly model: boolean }

/** Which fallback a failure calls for; undefined where asking elsewhere would hide what the client has to mend. */
export function triggerOf(kind: FailureKind, operators: OperatorsPart): FallbackTrigger | undefined {
  switch (kind) {
    case 'elsewhere':
      return 'error'
    case 'error':
    case 'rate_limit':
    case 'context_window':
    case 'refusal':
      return kind
    case 'capacity':
      return 'rate_limit'
    case 'key':
    case 'forbidden':
      return operators.key ? 'error' : undefined
    case 'model':
      return operators.model ? 'error' : undefined
    case 'client':
      return undefined
  }
}

function kindOf(words: ErrorWords, status: number | undefined): FailureKind {
  const own = status === undefined || status < 500 ? kindInWords(words, status) : undefined
  if (own !== undefined) return own
  if (isNamed(words, CAPACITY_NAMES) || (isProviders(status) && CAPACITY_MESSAGE.test(words.message))) return 'capacity'
  if (status === undefined) return kindByName(words)
  if (status === 429) return 'rate_limit'
  // Anthropic's "overloaded", and Groq's "flex tier capacity exceeded".
  if (status === 529 || status === 498) return 'capacity'
  if (status === 413) return 'context_window'
  // A time-out or a conflict on the provider's side, which its own SDKs ask again after.
  if (status >= 500 || status === 408 || status === 409 || status === 425) return 'error'
  if (isNamed(words, MODEL_NAMES) || status === 404) return 'model'
  if (isOfKey(words) || status === 401) return 'key'
  return isNamed(words, FORBIDDEN_NAMES) || status === 403 ? 'forbidden' : 'client'
}

/** What no status tells: 400 is the status of a long prompt, of a filtered one and of a misspelt field alike. */
function kindInWords(words: ErrorWords, status: number | undefined): FailureKind | undefined {
  if (isNamed(words, RATE_NAMES)) return status === 429 && isNamed(words, CAPACITY_NAMES) ? 'capacity' : 'rate_limit'
  if (status === 429) return undefined
  const message = status === undefined || SPEAKING_STATUSES.has(status) ? words.message : ''
  if (isNamed(words, ELSEWHERE_NAMES) || ELSEWHERE_MESSAGE.test(message)) return 'elsewhere'
  if (isNamed(words, REFUSAL_NAMES) || REFUSAL_MESSAGE.test(message)) return 'refusal'
  if (isNamed(words, LENGTH_NAMES) || LENGTH_MESSAGE.test(message)) return 'context_window'
  return undefined
}

/**
 * Statuses whose message may be the only word of what is wrong. Others quote the request ("The model `…` does not
 * exist"), and what a client writes must not pass for what its provider says.
 */
const SPEAKING_STATUSES: ReadonlySet<number> = new Set([400, 403, 413, 422])

/** Whether an error of this status is the provider's own, and its message too. */
function isProviders(status: number | undefined): boolean {
  return status === undefined || status === 429 || status >= 498
}

/** Of an error in a stream, which has no status of its own: the provider's fault unless it says otherwise. */
function kindByName(words: ErrorWords): FailureKind {
  if (isNamed(words, MODEL_NAMES)) return 'model'
  if (isOfKey(words)) return 'key'
  if (isNamed(words, FORBIDDEN_NAMES)) return 'forbidden'
  return isNamed(words, CLIENT_NAMES) ? 'client' : 'error'
}

/** Google answers a wrong key with 400, and with the reason in the details. */
function isOfKey(words: ErrorWords): boolean {
  return isNamed(words, KEY_NAMES) || words.details.some(({ reason }) => reason === 'API_KEY_INVALID')
}

function isUsedUp(words: ErrorWords, status: number | undefined): boolean {
  if (status === 402 || isNamed(words, USED_UP_NAMES) || USED_UP_MESSAGE.test(words.message)) return true
  return words.details.some((detail) => JSON.stringify(detail['violations'] ?? '').includes('PerDay'))
}

function isNamed({ names }: ErrorWords, known: ReadonlySet<string>): boolean {
  return names.some((name) => known.has(name))
}

/** developers.openai.com/api/docs/guides/error-codes; platform.claude.com/docs/en/api/errors. */
const USED_UP_NAMES: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_hard_limit_reached',
  'billing_error',
  'enforced_spend_limit_reached',
])
/** How whole messages begin: a target is left alone for long because of them, so no quotation may be taken for one. */
const USED_UP_MESSAGE =
  /^(?:your credit balance is too low|insufficient (?:balance|credits)|you have reached your specified api usage limits)/

const RATE_NAMES: ReadonlySet<string> = new Set([
  'rate_limit_error',
  'rate_limit_exceeded',
  'resource_exhausted',
  'too_many_requests',
])

const CAPACITY_NAMES: ReadonlySet<string> = new Set([
  'overloaded_error',
  'overloaded',
  'slow_down',
  'server_is_overloaded',
  'engine_overloaded',
  'engine_overloaded_error',
  'service_unavailable_error',
  'capacity_exceeded',
  'unavailable',
])
const CAPACITY_MESSAGE = /overloaded|high demand|at capacity|capacity exceeded|no healthy upstream/

const REFUSAL_NAMES: ReadonlySet<string> = new Set([
  'content_filter',
  'content_policy_violation',
  'responsibleaipolicyviolation',
  'moderation_blocked',
  'invalid_prompt',
  'cyber_policy_violation',
])
const REFUSAL_MESSAGE =
  /content (?:filtering|management|usage) polic|flagged as potentially violating|input was flagged|blocked by .{0,40}safety/

const ELSEWHERE_NAMES: ReadonlySet<string> = new Set(['previous_response_not_found', 'invalid_encrypted_content'])
/** The latter is Anthropic's: `messages.1.content.0: Invalid `signature` in `thinking` block`. */
const ELSEWHERE_MESSAGE = new RegExp(
  [
    '^previous response with id .{1,200} not found',
    '^invalid `previous_response_id`',
    '^messages[.\\d]+content[.\\d]*: invalid `?signature`? in `?(?:redacted_)?thinking`? block',
  ].join('|'),
)

const LENGTH_NAMES: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'context_window_exceeded',
  'model_context_window_exceeded',
  'request_too_large',
])
const LENGTH_MESSAGE = new RegExp(
  [
    'maximum context length',
    'context window',
    'exceeds? (?:the |its )?(?:maximum )?context (?:limit|length)',
    'prompt is too long',
    'input token count .{0,40}exceeds',
    'maximum number of tokens allowed',
    'reduce the length of the (?:messages|input|prompt)',
  ].join('|'),
)

const CLIENT_NAMES: ReadonlySet<string> = new Set(['invalid_request_error', 'invalid_argument', 'failed_precondition'])

const KEY_NAMES: ReadonlySet<string> = new Set(['authentication_error', 'unauthenticated', 'invalid_api_key'])

const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['permission_error', 'permission_denied'])

const MODEL_NAMES: ReadonlySet<string> = new Set([
  'model_not_found',
  'deploymentnotfound',
  'not_found_error',
  'not_found',
])
