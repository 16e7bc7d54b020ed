import type { KnownModel } from '../domain/routing/eligible.ts'
import type { ModelFacts, Need } from '../domain/routing/route.ts'
import { type ModelMarks, refusedFields } from './refused-fields.ts'

/** Names come from clients: their number and their length must have an end. */
const MAX_KEPT = 2_000
const MAX_NAME_LENGTH = 200

/** A snapshot's date (Google writes it behind an @) or `latest`, at the end of a model's name. */
const SNAPSHOT = /[-@](?:20\d\d-?[01]\d-?[0-3]\d|latest)$/

/** Structured outputs came with gpt-4o-2024-08-06 (platform.openai.com/docs/guides/structured-outputs). */
const WITHOUT_SCHEMA = /^gpt-4(?:-turbo)?(?:-\d.*)?$|^gpt-4o-2024-05-13$/

/**
 * The built-in catalogue, loaded when something asks for it: 650 models by what their provider is priced as. A snapshot
 * that it does not list is taken for its family; of any other model it knows nothing, and says so.
 */
export async function loadCatalogue(): Promise<KnownModel> {
  const { default: data } = await import('./known-models.json', { with: { type: 'json' } })
  const providers = new Map<string, ReadonlyMap<string, readonly unknown[]>>()
  for (const [id, models] of Object.entries(data.providers)) providers.set(id, new Map(Object.entries(models)))
  let kept = new Map<string, Map<string, ModelFacts | undefined>>()
  let keptModels = 0
  return ({ pricedAs }, model) => {
    if (model.length > MAX_NAME_LENGTH) return undefined
    // One key of both names would have to be put together, and hashed, for every question.
    const known = kept.get(pricedAs)
    const found = known?.get(model)
    if (found !== undefined || known?.has(model) === true) return found
    const listed = providers.get(pricedAs)
    const name = model.startsWith('models/') ? model.slice('models/'.length) : model
    const entry = listed?.get(name) ?? listed?.get(name.replace(SNAPSHOT, ''))
    const facts = entry === undefined ? undefined : factsOf(pricedAs, name, entry)
    if (keptModels++ >= MAX_KEPT) {
      kept = new Map()
      keptModels = 1
    }
    const ofProvider = kept.get(pricedAs) ?? new Map<string, ModelFacts | undefined>()
    kept.set(pricedAs, ofProvider.set(model, facts))
    return facts
  }
}

function factsOf(providerId: string, model: string, [context, output, ...rest]: readonly unknown[]): ModelFacts {
  const marks: ModelMarks = new Set(rest.filter((mark) => typeof mark === 'string'))
  return {
    contextTokens: limit(context),
    maxOutputTokens: limit(output),
    lacks: new Set(lackedNeeds(providerId, model, marks)),
    refuses: refusedFields(providerId, model, marks),
  }
}

/** What is not marked as lacking may still be: only what the data or the provider says is here. */
function lackedNeeds(providerId: string, model: string, marks: ModelMarks): readonly Need[] {
  const lacks: Need[] = []
  if (!marks.has('images')) lacks.push('images')
  if (!marks.has('reasoning')) lacks.push('reasoning')
  if (providerId === 'anthropic') lacks.push('audio')
  if ((providerId === 'openai' || providerId === 'azure') && WITHOUT_SCHEMA.test(model)) lacks.push('json_schema')
  return lacks
}

function limit(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}
