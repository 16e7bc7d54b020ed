import type { Dialect } from '../domain/request.ts'
import type { SimulatedModel } from './model.ts'
import { unknownModel, type ApiError } from './provider-errors.ts'

/** When every simulated model was made. */
const CREATED_SECONDS = 1_715_367_049

/** The answer to `GET /v1/models` and `GET /v1/models/{id}`, Gemini's at `/v1beta`. */
export function modelsBody(
  dialect: Dialect,
  models: Iterable<SimulatedModel>,
  id: string | undefined,
): string | ApiError {
  const served = [...models].filter((model) => model.speaks.includes(dialect))
  if (dialect === 'gemini') return geminiModels(served, id)
  const render = dialect === 'openai' ? openaiModel : anthropicModel
  if (id !== undefined) {
    const found = served.find((model) => model.name === id || model.snapshot === id)
    return found === undefined ? unknownModel(dialect, id) : JSON.stringify(render(found))
  }
  const data = served.map(render)
  return dialect === 'openai'
    ? JSON.stringify({ object: 'list', data }, undefined, 2) + '\n'
    : JSON.stringify({ data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null })
}

function openaiModel(model: SimulatedModel): ListedModel {
  return { id: model.name, object: 'model', created: CREATED_SECONDS, owned_by: 'system' }
}

function anthropicModel(model: SimulatedModel): ListedModel {
  const created_at = new Date(CREATED_SECONDS * 1000).toISOString().replace('.000Z', 'Z')
  return { type: 'model', id: model.snapshot, display_name: model.name, created_at }
}

function geminiModels(served: readonly SimulatedModel[], id: string | undefined): string | ApiError {
  const render = (model: SimulatedModel): object => ({
    name: `models/${model.name}`,
    version: '001',
    displayName: model.name,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: model.does === 'embedding' ? ['embedContent'] : ['generateContent', 'countTokens'],
  })
  const found = served.find((model) => model.name === id)
  if (id !== undefined && found === undefined) return unknownModel('gemini', id)
  const listed = found === undefined ? { models: served.map(render) } : render(found)
  return `${JSON.stringify(listed, undefined, 2)}\n`
}

type ListedModel = { readonly id: string; readonly [field: string]: unknown }
