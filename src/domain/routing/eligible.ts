import type { RejectReason } from '../decide.ts'
import type { Policy, Provider } from '../policy.ts'
import { usesServerKey } from '../server-key.ts'
import type { Facts } from './facts.ts'
import type { ModelFacts, Need, RouteTarget } from './route.ts'
import type { TargetHealth } from './target-health.ts'

/** What is known of a model by those who look models up; undefined for one that they do not know. */
export type KnownModel = (provider: Provider, model: string) => ModelFacts | undefined

const NEED_REASONS = {
  tools: 'needs_tools',
  images: 'needs_images',
  audio: 'needs_audio',
  files: 'needs_files',
  json_schema: 'needs_json_schema',
  json: 'needs_json',
  hosted_tools: 'needs_hosted_tools',
  reasoning: 'needs_reasoning',
} as const satisfies Record<Need, RejectReason>

/**
 * Why `target` cannot do what the request needs; undefined when it can, as far as anyone knows. `model` is what would
 * be asked of it. A provider other than that of the mount needs a key of the server, unless it takes none: the client's
 * goes nowhere else.
 */
export function unfitness(
  target: RouteTarget,
  model: string | undefined,
  facts: Facts,
  policy: Policy,
  knownModel: KnownModel,
): RejectReason | undefined {
  const provider = policy.providers.get(target.provider)
  if (provider === undefined) return 'unknown_provider'
  if (provider.dialect !== facts.dialect) return 'other_dialect'
  if (target.provider !== facts.provider && provider.auth !== 'none' && !usesServerKey(provider)) return 'no_key'
  const keeper = facts.stored?.provider
  if (keeper !== undefined && target.provider !== keeper) return 'stored_elsewhere'
  if (model === undefined) return undefined
  const { models } = policy.routing
  const said = models.size === 0 ? undefined : (models.get(`${target.provider}/${model}`) ?? models.get(model))
  const known = knownModel(provider, model)
  const contextTokens = said?.contextTokens ?? known?.contextTokens
  if (contextTokens !== undefined && facts.inputTokens !== undefined) {
    if (facts.inputTokens + (facts.maxOutputTokens ?? 0) > contextTokens) return 'context_window'
  }
  const lacks = said?.lacks ?? known?.lacks
  const lacking = lacks === undefined ? undefined : facts.needs.find((need) => lacks.has(need))
  return lacking === undefined ? undefined : NEED_REASONS[lacking]
}

/** Whether trying all the same could not work: there is nobody to call, or nothing to call them with. */
export function isOutOfReach(reason: RejectReason): boolean {
  return reason === 'unknown_provider' || reason === 'other_dialect' || reason === 'no_key'
}

/** Why a target's health keeps it from being chosen; undefined when it does not. */
export function illness(health: TargetHealth | undefined): RejectReason | undefined {
  switch (health) {
    case undefined:
    case 'healthy':
    case 'probing':
      return undefined
    case 'degraded':
      return 'degraded'
    case 'open':
      return 'breaker_open'
    case 'throttled':
      return 'throttled'
  }
}
