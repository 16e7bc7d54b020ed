import type { Facts, Reply } from './ask.ts'
import { drawSequence, idText } from './draw.ts'
import { isObject, type JsonObject } from './json.ts'
import { splitTokens } from './tokens.ts'

/** One output item, as it is announced and as it ends up, and the events in between. */
export type Item = {
  readonly id: string
  readonly added: JsonObject
  readonly done: JsonObject
  readonly events: Iterable<ItemEvent>
}
type ItemEvent = { readonly type: string; readonly fields: JsonObject; readonly isToken: boolean }

/** Reasoning first, then tool calls or the message. */
export function itemsOf(reply: Reply, facts: Facts, body: JsonObject): readonly Item[] {
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
  const sealed = include.includes('reasoning.encrypted_content')
    ? { encrypted_content: 'gAAAAA' + Buffer.from(thinking).toString('base64url') }
    : {}
  const item = (text: readonly unknown[]): JsonObject => ({ id, type: 'reasoning', ...sealed, summary: text })
  return { id, added: item([]), done: item(summary), events: summary.length === 0 ? [] : summaryEvents(thinking) }
}

function* summaryEvents(thinking: string): Generator<ItemEvent> {
  const event = (name: string, fields: JsonObject, isToken = false): ItemEvent => ({
    type: `response.reasoning_summary_${name}`,
    fields: { summary_index: 0, ...fields },
    isToken,
  })
  yield event('part.added', { part: { type: 'summary_text', text: '' } })
  for (const delta of splitTokens(thinking)) yield event('text.delta', { delta }, true)
  yield event('text.done', { text: thinking })
  yield event('part.done', { part: { type: 'summary_text', text: thinking } })
}

function callItem(name: string, argumentsJson: string, facts: Facts): Item {
  const id = facts.newId('fc_', 48)
  const call_id = facts.newId('call_', 24)
  const item = (status: string, text: string): JsonObject => ({
    id,
    type: 'function_call',
    status,
    arguments: text,
    call_id,
    name,
  })
  const events = splitTokens(argumentsJson).map((delta) => ({
    type: 'response.function_call_arguments.delta',
    fields: { delta },
    isToken: true,
  }))
  const last = {
    type: 'response.function_call_arguments.done',
    fields: { arguments: argumentsJson, name },
    isToken: false,
  }
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

function* textEvents(
  reply: Reply,
  text: string,
  part: (said: string) => JsonObject,
  isRefusal: boolean,
  facts: Facts,
): Generator<ItemEvent> {
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
