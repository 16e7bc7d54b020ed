import { answerContentOf } from '../dialects/answer-content.ts'
import { failureOf, streamFailureOf, triggerOf as triggerOfFailure } from '../dialects/failure-kind.ts'
import type { Failure } from '../dialects/failure-kind.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { TargetFault } from '../domain/routing/ended-call.ts'
import { triggerOf } from '../domain/routing/retry.ts'
import type { FallbackRules } from '../domain/routing/route.ts'
import type { EpochMs } from '../domain/units.ts'
import { decodedNow } from './encoding.ts'
import { readHead } from './answer-head.ts'
import type { Relayed } from './relayed.ts'

/** Of an error answer so much is read, decoded: all that errors are, and no bomb. */
const MAX_DECODED_BYTES = 1024 * 1024

/**
 * What was wrong with a call of which nothing has reached the client, as far as `rules` ask; undefined where its answer is
 * the client's, be it an error of its own making. `chunks` are the body as it came.
 */
export function faultOf(
  relayed: Relayed,
  chunks: readonly Buffer[],
  request: LlmRequest,
  rules: FallbackRules,
  now: EpochMs,
): TargetFault | undefined {
  const { outcome, headers } = relayed
  switch (outcome.kind) {
    case 'cancelled':
      return undefined
    case 'unavailable':
    case 'interrupted':
      return faultByOutcome(outcome)
    case 'refused': {
      const body = bodyOf(relayed, chunks)
      const failure =
        outcome.status >= 400
          ? failureOf(outcome.status, headers, body, now)
          : streamFailureOf(body.toString('utf8'), headers, now)
      return faultOfFailure(failure)
    }
    case 'completed':
      return rules.on.has('refusal') || rules.on.has('invalid_json')
        ? faultWith(contentTrigger(bodyOf(relayed, chunks), request, rules))
        : undefined
  }
}

/** What an outcome alone tells. */
export function faultByOutcome(outcome: AttemptOutcome): TargetFault | undefined {
  return faultWith(triggerOf(outcome))
}

/** What a failure calls for. */
export function faultOfFailure({ kind, retryAfterMs }: Failure): TargetFault | undefined {
  const trigger = triggerOfFailure(kind)
  return trigger === undefined ? undefined : { trigger, retryAfterMs }
}

function faultWith(trigger: TargetFault['trigger'] | undefined): TargetFault | undefined {
  return trigger === undefined ? undefined : { trigger, retryAfterMs: undefined }
}

/** A plain answer that says nothing, or not what was asked for. */
function contentTrigger(body: Buffer, request: LlmRequest, { on }: FallbackRules): TargetFault['trigger'] | undefined {
  const content = answerContentOf(request.api, body)
  if (content === undefined) return undefined
  if (on.has('refusal') && content.refusal !== undefined) return 'refusal'
  const isAsked = on.has('invalid_json') && request.shape.hasSchema
  if (!isAsked || content.isClipped || content.toolCalls.length > 0 || content.refusal !== undefined) return undefined
  return isJson(content.text) ? undefined : 'invalid_json'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function bodyOf({ headers }: Relayed, chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
  return decodedNow(bytes, readHead(headers).encoding, MAX_DECODED_BYTES)
}
