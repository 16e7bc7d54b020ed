import { unitShare } from '../assign.ts'
import type { Exchange } from '../exchange.ts'
import { isForClient } from '../exchange-totals.ts'
import type { Policy, Provider } from '../policy.ts'
import type { Api } from '../request.ts'
import { usesServerKey } from '../server-key.ts'
import type { Target } from '../target.ts'
import type { RouteTarget } from '../routing/route.ts'
import type { RequestId, Unit } from '../units.ts'
import type { Shadow, ShadowArm, SkipReason } from './shadow.ts'

/** One call to be made beside a live one. */
export type MirrorPlan = {
  readonly arm: ShadowArm
  readonly target: Target & { readonly model: string }
  readonly provider: Provider
}

export type MirrorPlans = readonly [MirrorPlan, ...MirrorPlan[]]

/** `target`: the candidate, as soon as one was chosen. */
export type Skipped = { readonly skipped: SkipReason; readonly target?: Target; readonly arm?: ShadowArm }

/** What must be known of a prompt to tell whether it may be sent a second time. */
export type MirrorContent = {
  readonly isBackground: boolean
  readonly hasHostedTools: boolean
  readonly hasStoredConversation: boolean
  readonly hasFiles: boolean
  /** Tools that the client runs. */
  readonly hasTools: boolean
  /** Some model has answered in this conversation before. */
  readonly hasAssistantTurn: boolean
}

/** A finished live request, as a shadow sees it. */
export type MirrorFacts = {
  readonly exchange: Exchange
  /** `x-understudy-shadow: off`. */
  readonly isOff: boolean
  /** Bytes of body and answer were kept and fit. */
  readonly isKept: boolean
  /** By `samplerOf`. */
  readonly isSampled: boolean
  /** Reads the prompt, at most once and only for what is in the sample; undefined where it cannot be read. */
  readonly content: () => MirrorContent | undefined
  /** Whether a target can do what the request needs, as far as routing goes by that. */
  readonly suits: (target: RouteTarget) => boolean
}

/** What a request's draws are for. */
type MirrorDraw = 'aa' | 'candidate'

/** APIs whose answers can be compared. */
const MIRRORED_APIS: ReadonlySet<Api> = new Set([
  'chat_completions',
  'responses',
  'completions',
  'messages',
  'generate_content',
])

/** Draws of one shadow know nothing of those of another, nor of who is in a rollout. */
function mirrorDraw(shadow: Pick<Shadow, 'salt'>, id: RequestId, purpose: MirrorDraw): Unit {
  return unitShare(`shadow:${shadow.salt}:${purpose}`, id)
}

/**
 * Whether `shadow`, whose match holds, mirrors a request, and to whom: to one model, or, in a routing audit, to all that
 * could have answered it and did not, and then to none unless to all. Pure: the same facts and policy plan the same.
 * What costs least to find out is asked first; what only the moment tells (`mayMirrorNow`) not at all.
 */
export function mirrorPlans(shadow: Shadow, facts: MirrorFacts, policy: Policy): MirrorPlans | Skipped {
  const { exchange } = facts
  const { request } = exchange
  const early = earlySkip(shadow, facts)
  if (early !== undefined) return { skipped: early }
  const content = facts.content()
  if (content === undefined) return { skipped: 'unreadable' }
  const kind = contentSkip(content)
  if (kind !== undefined) return { skipped: kind }
  const arm = shadow.aaShare > 0 && mirrorDraw(shadow, request.id, 'aa') < shadow.aaShare ? 'aa' : 'candidate'
  const chosen = arm === 'aa' ? [stableTarget(exchange)] : candidatesOf(shadow, facts)
  const [first, ...others] = chosen.map((target) => planTo(target, arm, shadow, exchange, policy))
  if (first === undefined || 'skipped' in first) return first ?? { skipped: 'no_alternative' }
  const plans: [MirrorPlan, ...MirrorPlan[]] = [first]
  for (const plan of others) {
    if ('skipped' in plan) return plan
    plans.push(plan)
  }
  return plans
}

function planTo(
  chosen: Target,
  arm: ShadowArm,
  shadow: Shadow,
  { request }: Exchange,
  policy: Policy,
): MirrorPlan | Skipped {
  const target = { provider: chosen.provider, model: chosen.model ?? request.model }
  const provider = policy.providers.get(target.provider)
  if (provider === undefined || provider.dialect !== shadow.dialect || target.model === undefined) {
    return { skipped: 'unknown_provider', target, arm }
  }
  if (provider.auth !== 'none' && !usesServerKey(provider)) return { skipped: 'no_key', target, arm }
  if (shadow.providers?.has(provider.name) === false) return { skipped: 'provider_not_allowed', target, arm }
  return { arm, target: { ...target, model: target.model }, provider }
}

function earlySkip(shadow: Shadow, { exchange, isOff, isKept, isSampled }: MirrorFacts): SkipReason | undefined {
  const { request, outcome } = exchange
  if (isOff) return 'header_off'
  if (!MIRRORED_APIS.has(request.api)) return 'unsupported_api'
  if (request.isStream && !shadow.streaming) return 'streaming_off'
  if (outcome === 'cancelled') return 'client_disconnected'
  if (!exchange.attempts.some(({ role }) => isForClient(role))) return 'not_called'
  if (!isSampled) return 'not_sampled'
  if (request.requestBytes > shadow.maxRequestBytes) return 'too_large'
  return isKept ? undefined : 'no_content'
}

/** What must not run twice, and what only the provider of the live call could answer. */
function contentSkip(content: MirrorContent): SkipReason | undefined {
  if (content.isBackground) return 'batch'
  if (content.hasHostedTools) return 'hosted_tools'
  if (content.hasStoredConversation) return 'stored_conversation'
  if (content.hasFiles) return 'files'
  // Later turns answer what the live model asked of the client's tools, which another would have asked otherwise.
  return content.hasTools && content.hasAssistantTurn ? 'not_first_assistant_turn' : undefined
}

function candidatesOf({ candidates, salt, audit }: Shadow, { exchange, suits }: MirrorFacts): readonly Target[] {
  if (audit !== undefined) {
    const picked = stableTarget(exchange)
    // What routing passes over for what the request needs is no pick that it has missed.
    return candidates.filter(
      (each) => (each.provider !== picked.provider || each.model !== picked.model) && suits(each),
    )
  }
  if (candidates.length === 1) return candidates
  const index = Math.floor(mirrorDraw({ salt }, exchange.request.id, 'candidate') * candidates.length)
  return [candidates[index] ?? candidates[0]]
}

/** The model that answered the client, or the last that was tried. */
function stableTarget({ attempts, request }: Exchange): Target {
  return attempts.findLast(({ role }) => isForClient(role))?.target ?? request
}

/** How things are at the moment, as far as they keep a shadow from calling. */
export type MirrorMoment = {
  readonly isBackedOff: boolean
  /** Share of the provider's rate limit that is left; undefined where nobody said. */
  readonly headroom: Unit | undefined
  readonly isLiveLoaded: boolean
  readonly isShuttingDown: boolean
}

/** Why a planned call is not made now; undefined when it may be. */
export function mayMirrorNow(shadow: Shadow, moment: MirrorMoment): SkipReason | undefined {
  if (moment.isShuttingDown) return 'shutting_down'
  if (moment.isBackedOff) return 'backed_off'
  if (moment.headroom !== undefined && moment.headroom < shadow.headroomFloor) return 'headroom'
  return moment.isLiveLoaded ? 'live_load' : undefined
}
