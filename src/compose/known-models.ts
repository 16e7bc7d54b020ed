import { loadCatalogue } from '../catalogue/load-catalogue.ts'
import type { Cell } from '../domain/ports.ts'
import type { KnownModel } from '../domain/routing/eligible.ts'
import { routerOf } from '../domain/routing/router.ts'
import type { RoutingState } from '../domain/state.ts'

/**
 * The built-in catalogue, for a policy that routes: without one it is never loaded. Resolves when the policy in force can
 * be decided by; one that a reload makes route has it milliseconds later, and decides by the operator's word until then.
 */
export async function openKnownModels(state: Cell<RoutingState>): Promise<KnownModel> {
  let catalogue: KnownModel | undefined
  const load = async ({ policy }: RoutingState): Promise<void> => {
    if (!routerOf(policy.routing).isEmpty) catalogue ??= await loadCatalogue()
  }
  await load(state.current())
  state.subscribe((next) => void load(next))
  return (provider, model) => catalogue?.(provider, model)
}
