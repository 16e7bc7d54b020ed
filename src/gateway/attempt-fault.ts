import { answerContentOf } from '../dialects/answer-content.ts'
import { contentFault } from '../dialects/content-fault.ts'
import { failureOf, streamFailureOf, triggerOf as triggerOfFailure } from '../dialects/failure-kind.ts'
import type { Failure, OperatorsPart } from '../dialects/failure-kind.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import { takesClientKey } from '../domain/server-key.ts'
import type { TargetFault } from '../domain/routing/ended-call.ts'
import { clientWaitsMs, type FailedAttempt, triggerOf } from '../domain/routing/retry.ts'
import { type Facts, isKeeperUnknown } from '../domain/routing/facts.ts'
import type { FallbackRules, FallbackTrigger } from '../domain/routing/route.ts'
import type { Target } from '../domain/target.ts'
import type { EpochMs, MonotonicMs } from '../domain/units.ts'
import { decodedNow } from './encoding.ts'
import { readHead } from './answer-head.ts'
import type { Relayed } from './relayed.ts'

/** Of an error answer so much is read, decoded: all that errors are, and no bomb. */
const MAX_DECODED_BYTES = 1024 * 1024

/** What no client can mend about a call, and whether the target stands for that one model alone. */
export type Blame = OperatorsPart & { readonly hasOneModel: boolean }

/** Whose part is what in a call of `request` to `target`, whose route calls it `key`. */
export function blameOf(
  request: Pick<LlmRequest, 'provider' | 'model'>,
  { provider: name, model, key }: Target & { readonly key?: string | undefined },
  provider: Provider,
): Blame {
  return {
    key: !takesClientKey(provider),
    model: name !== request.provider || model !== request.model,
    hasOneModel: key === `${name}/${model}`,
  }
}

/**
 * What was wrong with a call of which nothing has reached the client, as far as `rules` ask; undefined where its answer is
 * the client's, be it an error of its own making. `chunks` are the body as it came.
 */
export function faultOf(
  relayed: Relayed,
  chunks: readonly Buffer[],
  request: LlmRequest,
  rules: FallbackRules,
  blame: Blame,
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
      return faultOfFailure(failure, blame)
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
export function faultOfFailure({ kind, retryAfterMs }: Failure, blame: Blame): TargetFault | undefined {
  const trigger = triggerOfFailure(kind, blame)
  if (trigger === undefined) return undefined
  // A 403 may be about the model that this client named, or about its prompt: it must not shut the target for all others.
  const isOfCallOnly = kind === 'elsewhere' || kind === 'forbidden' || (kind === 'model' && !blame.hasOneModel)
  return { trigger, retryAfterMs, isLasting: isOfCallOnly || kind === 'model' || kind === 'key', isOfCallOnly }
}

function faultWith(trigger: TargetFault['trigger'] | undefined): TargetFault | undefined {
  return trigger === undefined ? undefined : { trigger, retryAfterMs: undefined }
}

/**
 * A call of which nothing has reached the client, as far as the next step depends on it. `arrivedAt`: the request. Where
 * nobody knows who keeps what that goes on from, only the word that it is not here leads on: others might not miss it, and
 * answer as if there had been nothing before.
 */
export function failedAttempt(
  { outcome, endedAt }: Relayed,
  fault: TargetFault | undefined,
  trigger: FallbackTrigger | undefined,
  { client }: LlmRequest,
  { stored }: Facts,
  arrivedAt: MonotonicMs,
): FailedAttempt {
  return {
    trigger: isKeeperUnknown(stored) && fault?.isOfCallOnly !== true ? undefined : trigger,
    mayHaveRun: outcome.kind === 'unavailable' ? outcome.mayHaveRun : outcome.kind !== 'refused',
    isLasting: fault?.isLasting,
    retryAfterMs: fault?.retryAfterMs,
    clientWaitsMs: clientWaitsMs(client.sdkTimeoutSeconds, endedAt - arrivedAt),
    hasReachedClient: false,
  }
}

/** A plain answer that says nothing, or not what was asked for. */
function contentTrigger(body: Buffer, request: LlmRequest, { on }: FallbackRules): TargetFault['trigger'] | undefined {
  const content = answerContentOf(request.api, body)
  const fault = content === undefined ? undefined : contentFault(content, request.shape.hasSchema)
  return fault !== undefined && on.has(fault) ? fault : undefined
}

function bodyOf({ headers }: Relayed, chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
  return decodedNow(bytes, readHead(headers).encoding, MAX_DECODED_BYTES)
}
