import type { Policy } from '../domain/policy.ts'
import type { PriceCall } from '../domain/ports.ts'
import type { RouteTarget } from '../domain/routing/route.ts'
import { targetsOf } from '../domain/routing/router.ts'
import { usesServerKey } from '../domain/server-key.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import type { EpochMs } from '../domain/units.ts'
import { NOTHING_USED, type Usage } from '../domain/usage.ts'

const ONE_OF_EACH: Usage = { ...NOTHING_USED, uncachedInputTokens: 1, textOutputTokens: 1 }

type Asked = Pick<RouteTarget, 'provider' | 'model'>

/**
 * Sentences about what a good file asks for and will not get: calls of the proxy's own that have no key or, since they are
 * paid within a budget, no price, and models of routes whose cost will be unknown. Empty where nothing is amiss. Pure.
 */
export function configNotices(policy: Policy, price: PriceCall, at: EpochMs): readonly string[] {
  const judge = policy.scoring?.judge
  const notices = [
    ...policy.shadows.flatMap((shadow) =>
      shadow.candidates.flatMap((candidate) => {
        const why = whyNot(candidate)
        return why === undefined ? [] : [`${ownerOf(shadow)}: nothing is mirrored to ${candidate.key}: ${why}`]
      }),
    ),
    ...(judge === undefined ? [] : [judge]).flatMap(({ provider, model }) => {
      const why = whyNot({ provider, model })
      return why === undefined ? [] : [`judge: ${provider}/${model} is not asked: ${why}`]
    }),
    ...policy.routing.routes.flatMap((route) =>
      targetsOf(route)
        .filter((target) => !hasPrice(target) && policy.providers.get(target.provider)?.statedCost === undefined)
        .map(({ key }) => `route ${route.name}: what ${key} costs will be unknown: ${NO_PRICE}`),
    ),
  ]
  return [...new Set(notices)]

  function whyNot(target: Asked): string | undefined {
    const provider = policy.providers.get(target.provider)
    if (provider !== undefined && provider.auth !== 'none' && !usesServerKey(provider))
      return `calls that no client pays for need providers.${provider.name}.api_key, which is not set`
    return hasPrice(target) ? undefined : NO_PRICE
  }

  /** A model as the client asks for it is known by no name here, and taken to have one. */
  function hasPrice({ provider, model }: Asked): boolean {
    if (model === undefined) return true
    const cost = price({ provider, model, usage: ONE_OF_EACH, at })
    return cost.kind === 'priced' || cost.why !== 'unknown_model'
  }
}

const NO_PRICE = 'no price is known for it (give it one in `prices:`, or mind its spelling)'

function ownerOf({ name, rollout }: Shadow): string {
  return rollout === undefined ? `shadow ${name}` : `rollout ${rollout}`
}
