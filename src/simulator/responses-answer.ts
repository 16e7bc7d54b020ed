import type { Answered, Facts, Frame, Reply, Spent } from './ask.ts'
import { drawSequence, idText } from './draw.ts'
import { isObject, type JsonObject } from './json.ts'
import { servedTier } from './openai-chat.ts'
import { splitTokens } from './tokens.ts'

/** The whole answer of the Responses API, indented as the provider indents it. */
export function responsesBody({ replies, spent }: Answered, facts: Facts, body: JsonObject): string {
  const [reply] = replies
  const items = itemsOf(reply, facts, body).map(({ done }) => done)
  return JSON.stringify(responseObject(finalState(reply, items, spent, facts, body), facts, body), undefined, 2)
}

/** Its stream: numbered events, from `response.created` to `response.completed` or `response.incomplete`; no `[DONE]`. */
export function* responsesFrames({ replies, spent }: Answered, facts: Facts, body: JsonObject): Generator<Frame> {
  const [reply] = replies
  let sequence = -1
  const frame = (type: string, fields: JsonObject, isToken = false): Frame => {
    sequence += 1
    return { text: `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence, ...fields })}\n\n`, isToken }
  }
  const starting = responseObject({ status: 'in_progress', tier: body['service_tier'] ?? 'auto', output: [], usage: null, incomplete: null, completedAt: null }, facts, body)
  yield frame('response.created', { response: starting })
  yield frame('response.in_progress', { response: starting })

  const items = itemsOf(reply, facts, body)
  for (const [output_index, item] of items.entries()) {
    yield frame('response.output_item.added', { output_index, item: item.added })
    for (const event of item.events) {
      const { type, isToken, ...fields } = event
      yield frame(type, { item_id: item.id, output_index, ...fields.fields }, isToken)
    }
    yield frame('response.output_item.done', { output_index, item: item.done })
  }
  const state = finalState(reply, items.map(({ done }) => done), spent, facts, body)
  yield frame(`response.${state.status}`, { response: responseObject(state, facts, body) })
}

type Item = { readonly id: string; readonly added: JsonObject; readonly done: JsonObject; readonly events: Iterable<ItemEvent> }
type ItemEvent = { readonly type: string; readonly fields: JsonObject; readonly isToken: boolean }

function itemsOf(reply: Reply, facts: Facts, body: JsonObject): readonly Item[] {
  const reasoning = reply.thinking === undefined ? [] : [reasoningItem(reply.thinking, facts, body)]
  const calls = reply.toolCalls.map(({ name, argumentsJson }) => callItem(name, argumentsJson, facts))
  return [...reasoning, ...calls, ...(reply.text === undefined ? [] : [messageItem(reply, reply.text, facts)])]
}

/** The thinking stays with the provider: a summary where one was asked for, sealed content where the client keeps the state. */
function reasoningItem(thinking: string, facts: Facts, body: JsonObject): Item {
  const id = facts.newId('rs_', 48)
  const asked = isObject(body['reasoning']) ? body['reasoning'] : {}
  const summary = typeof asked['summary'] === 'string' ? [{ type: 'summary_text', text: thinking }] : []
  const include = Array.isArray(body['include']) ? body['include'] : []
  const sealed = include.includes('reasoning.encrypted_content') ? { encrypted_content: 'gAAAAA' + Buffer.from(thinking).toString('base64url') } : {}
  const item = (text: readonly unknown[]): JsonObject => ({ id, type: 'reasoning', ...sealed, summary: text })
  return { id, added: item([]), done: item(summary), events: summary.length === 0 ? [] : summaryEvents(thinking) }
}

function* summaryEvents(thinking: string): Generator<ItemEvent> {
  const event = (name: string, fields: JsonObject, isToken = false): ItemEvent => ({
    type: `response.reasoning_summary_${name}`, fields: { summary_index: 0, ...fields }, isToken,
  })
  yield event('part.added', { part: { type: 'summary_text', text: '' } })
  for (const delta of splitTokens(thinking)) yield event('text.delta', { delta }, true)
  yield event('text.done', { text: thinking })
  yield event('part.done', { part: { type: 'summary_text', text: thinking } })
}

function callItem(name: string, argumentsJson: string, facts: Facts): Item {
  const id = facts.newId('fc_', 48)
  const call_id = facts.newId('call_', 24)
  const item = (status: string, text: string): JsonObject => ({ id, type: 'function_call', status, arguments: text, call_id, name })
  const events = splitTokens(argumentsJson).map((delta) => ({ type: 'response.function_call_arguments.delta', fields: { delta }, isToken: true }))
  const last = { type: 'response.function_call_arguments.done', fields: { arguments: argumentsJson, name }, isToken: false }
  return { id, added: item('in_progress', ''), done: item('completed', argumentsJson), events: [...events, last] }
}

function messageItem(reply: Reply, text: string, facts: Facts): Item {
  const id = facts.newId('msg_', 48)
  const isRefusal = reply.finish === 'refusal'
  const part = (said: string): JsonObject =>
    isRefusal ? { type: 'refusal', refusal: said } : { type: 'output_text', annotations: [], logprobs: [], text: said }
  const status = reply.finish === 'length' ? 'incomplete' : 'completed'
  return {
    id,
    added: { id, type: 'message', status: 'in_progress', content: [], role: 'assistant' },
    done: { id, type: 'message', status, content: [part(text)], role: 'assistant' },
    events: textEvents(reply, text, part, isRefusal, facts),
  }
}

function* textEvents(reply: Reply, text: string, part: (said: string) => JsonObject, isRefusal: boolean, facts: Facts): Generator<ItemEvent> {
  const kind = isRefusal ? 'response.refusal' : 'response.output_text'
  const logprobs = isRefusal ? {} : { logprobs: [] }
  const next = drawSequence(facts.seed, 'obfuscation', facts.model)
  yield { type: 'response.content_part.added', fields: { content_index: 0, part: part('') }, isToken: false }
  for (const delta of reply.pieces) {
    const obfuscation = idText(facts.seed, Math.floor(next() * 2 ** 32), 1 + Math.floor(next() * 14))
    yield { type: `${kind}.delta`, fields: { content_index: 0, delta, ...logprobs, obfuscation }, isToken: true }
  }
  const whole = isRefusal ? { refusal: text } : { text }
  yield { type: `${kind}.done`, fields: { content_index: 0, ...whole, ...logprobs }, isToken: false }
  yield { type: 'response.content_part.done', fields: { content_index: 0, part: part(text) }, isToken: false }
}

type State = {
  readonly status: 'in_progress' | 'completed' | 'incomplete'
  readonly tier: unknown
  readonly output: readonly JsonObject[]
  readonly usage: JsonObject | null
  readonly incomplete: JsonObject | null
  readonly completedAt: number | null
}

function finalState(reply: Reply, output: readonly JsonObject[], spent: Spent, facts: Facts, body: JsonObject): State {
  const isCutShort = reply.finish === 'length'
  return {
    status: isCutShort ? 'incomplete' : 'completed',
    tier: servedTier(body['service_tier']),
    output,
    usage: usageOf(spent),
    incomplete: isCutShort ? { reason: 'max_output_tokens' } : null,
    completedAt: isCutShort ? null : facts.createdSeconds,
  }
}

function usageOf(spent: Spent): JsonObject {
  const input = spent.uncachedInput + spent.cacheRead
  const output = spent.visibleOutput + spent.reasoning
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: spent.cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: spent.reasoning },
    total_tokens: input + output,
  }
}

function responseObject(state: State, facts: Facts, body: JsonObject): JsonObject {
  const reasoning = isObject(body['reasoning']) ? body['reasoning'] : {}
  const text = isObject(body['text']) ? body['text'] : {}
  return {
    id: facts.id,
    object: 'response',
    created_at: facts.createdSeconds,
    status: state.status,
    background: false,
    completed_at: state.completedAt,
    error: null,
    incomplete_details: state.incomplete,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    max_tool_calls: null,
    model: facts.model,
    output: state.output,
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    previous_response_id: body['previous_response_id'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    reasoning: { effort: reasoning['effort'] ?? (facts.isReasoningModel ? 'medium' : null), summary: reasoning['summary'] ?? null },
    safety_identifier: body['safety_identifier'] ?? null,
    service_tier: state.tier,
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: { format: text['format'] ?? { type: 'text' }, verbosity: text['verbosity'] ?? 'medium' },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_logprobs: 0,
    top_p: body['top_p'] ?? 1,
    truncation: body['truncation'] ?? 'disabled',
    usage: state.usage,
    user: body['user'] ?? null,
    metadata: body['metadata'] ?? {},
  }
}
