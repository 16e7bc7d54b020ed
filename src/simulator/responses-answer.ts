import type { Answered, Facts, Frame, Reply, Spent } from './ask.ts'
import { isObject, type JsonObject } from './json.ts'
import { servedTier } from './chat-answer.ts'
import { itemsOf } from './responses-items.ts'

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
    return {
      text: `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence, ...fields })}\n\n`,
      isToken,
    }
  }
  const starting = responseObject(
    {
      status: 'in_progress',
      tier: body['service_tier'] ?? 'auto',
      output: [],
      usage: null,
      incomplete: null,
      completedAt: null,
    },
    facts,
    body,
  )
  yield frame('response.created', { response: starting })
  yield frame('response.in_progress', { response: starting })

  const items = itemsOf(reply, facts, body)
  for (const [output_index, item] of items.entries()) {
    yield frame('response.output_item.added', { output_index, item: item.added })
    for (const event of item.events) {
      yield frame(event.type, { item_id: item.id, output_index, ...event.fields }, event.isToken)
    }
    yield frame('response.output_item.done', { output_index, item: item.done })
  }
  const state = finalState(
    reply,
    items.map(({ done }) => done),
    spent,
    facts,
    body,
  )
  yield frame(`response.${state.status}`, { response: responseObject(state, facts, body) })
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
    reasoning: {
      effort: reasoning['effort'] ?? (facts.isReasoningModel ? 'medium' : null),
      summary: reasoning['summary'] ?? null,
    },
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
