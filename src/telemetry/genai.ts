import type { Attributes } from '@opentelemetry/api'
import type { Attempt } from '../domain/exchange.ts'
import type { Api, LlmRequest } from '../domain/request.ts'
import { inputTokens, outputTokens } from '../domain/usage.ts'
import type { Usage } from '../domain/usage.ts'
import { clip } from './clip.ts'

/**
 * The GenAI conventions as of 1.41, the last release before they moved to a repository of their own and began to
 * change names. Nobody else may write such a name: what a dashboard reads changes here, in one place, or not at all.
 */
export const GENAI_SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0'

/** `gen_ai.operation.name`: the conventions' own words, and one of ours where they have none. */
const OPERATIONS: Readonly<Partial<Record<Api, string>>> = {
  chat_completions: 'chat',
  responses: 'chat',
  messages: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
  generate_content: 'generate_content',
  embed_content: 'embeddings',
  count_tokens: 'count_tokens',
}

/** `gen_ai.provider.name` where it differs from the name that the price library has for the same provider. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['aws', 'aws.bedrock'],
  ['azure', 'azure.ai.openai'],
  ['google', 'gcp.gemini'],
  ['mistral', 'mistral_ai'],
  ['x-ai', 'x_ai'],
])

/** `chat gpt-5-mini`; undefined for a request that was not read: nobody knows what it does. */
export function genAiSpanName({ api }: LlmRequest, model: string | undefined): string | undefined {
  const operation = OPERATIONS[api]
  return operation === undefined || model === undefined ? operation : `${operation} ${clip(model)}`
}

/**
 * What one call to a model was, by the conventions. Tokens read from and written to a cache are part of the input
 * tokens there, reasoning is part of the output tokens. `pricedAs`: the price library's name of the provider.
 */
export function genAiAttributes(request: LlmRequest, attempt: Attempt, pricedAs: string): Attributes {
  const operation = OPERATIONS[request.api]
  const provider = { 'gen_ai.provider.name': PROVIDERS.get(pricedAs) ?? clip(pricedAs) }
  if (operation === undefined) return provider
  const attributes: Attributes = { 'gen_ai.operation.name': operation, ...provider }
  const { model } = attempt.target
  if (model !== undefined) attributes['gen_ai.request.model'] = clip(model)
  if (request.isStream) attributes['gen_ai.request.stream'] = true
  if (request.shape.hasSchema) attributes['gen_ai.output.type'] = 'json'
  if (request.controls.session !== undefined) attributes['gen_ai.conversation.id'] = clip(request.controls.session)
  if (request.dialect === 'openai' && (request.api === 'chat_completions' || request.api === 'responses')) {
    attributes['openai.api.type'] = request.api
  }
  addResponse(attributes, request, attempt)
  if (attempt.usage !== undefined) addUsage(attributes, attempt.usage)
  return attributes
}

function addResponse(attributes: Attributes, { dialect }: LlmRequest, attempt: Attempt): void {
  if (attempt.servedModel !== undefined) attributes['gen_ai.response.model'] = clip(attempt.servedModel)
  if (attempt.responseId !== undefined) attributes['gen_ai.response.id'] = clip(attempt.responseId)
  if (attempt.finishReason !== undefined) attributes['gen_ai.response.finish_reasons'] = [clip(attempt.finishReason)]
  if (attempt.streamEvents !== undefined && attempt.firstTokenMs !== undefined) {
    attributes['gen_ai.response.time_to_first_chunk'] = attempt.firstTokenMs / 1000
  }
  const tier = attempt.usage?.serviceTier
  if (dialect === 'openai' && tier !== undefined) attributes['openai.response.service_tier'] = clip(tier)
}

function addUsage(attributes: Attributes, usage: Usage): void {
  attributes['gen_ai.usage.input_tokens'] = inputTokens(usage)
  attributes['gen_ai.usage.output_tokens'] = outputTokens(usage)
  attributes['gen_ai.usage.cache_read.input_tokens'] = usage.cacheReadTokens
  attributes['gen_ai.usage.cache_creation.input_tokens'] = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  attributes['gen_ai.usage.reasoning.output_tokens'] = usage.reasoningTokens
}
