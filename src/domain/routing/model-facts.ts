import type { Provider } from '../policy.ts'
import type { KnownModel } from './eligible.ts'
import type { ModelFacts, RoutingPolicy } from './route.ts'

/**
 * What is known of a model at a provider, field by field: the operator's word, else the catalogue's; and what the
 * provider refuses whatever the model.
 */
export function modelFacts(
  models: RoutingPolicy['models'],
  knownModel: KnownModel,
  provider: Provider,
  model: string,
): ModelFacts {
  const said = models.get(`${provider.name}/${model}`) ?? models.get(model)
  const known = knownModel(provider, model)
  const refuses = said?.refuses ?? known?.refuses ?? []
  return {
    contextTokens: said?.contextTokens ?? known?.contextTokens,
    maxOutputTokens: said?.maxOutputTokens ?? known?.maxOutputTokens,
    lacks: said?.lacks ?? known?.lacks ?? new Set(),
    refuses: provider.refuses.length === 0 ? refuses : [...new Set([...refuses, ...provider.refuses])],
  }
}
