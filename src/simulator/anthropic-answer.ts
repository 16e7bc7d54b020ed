import type { Answered, Facts, Frame, Reply, Spent } from './ask.ts'
import { thinkingSignature } from './anthropic-messages.ts'
import { drawSequence } from './draw.ts'
import { parseJson, type JsonObject } from './json.ts'
import { splitTokens } from './tokens.ts'

/** The whole message, compact as the provider sends it. */
export function messageBody({ replies, spent }: Answered, facts: Facts): string {
  const [reply] = replies
  const content = blocksOf(reply, facts).map(({ whole }) => whole)
  return JSON.stringify(message(facts, content, ending(reply), usageOf(spent, spent.visibleOutput + spent.reasoning)))
}

/** The stream: usage split over the first event (input) and the last but one (output), a ping after the first block's start. */
export function* messageFrames({ replies, spent }: Answered, facts: Facts): Generator<Frame> {
  const [reply] = replies
  const next = drawSequence(facts.seed, 'padding', facts.model)
  const frame = (type: string, fields: JsonObject, isToken = false): Frame => {
    // The provider pads its events with blanks inside the JSON, so that their sizes tell less.
    const json = JSON.stringify({ type, ...fields })
    return { text: `event: ${type}\ndata: ${json.slice(0, -1)}${' '.repeat(Math.floor(next() * 12))}}\n\n`, isToken }
  }
  yield frame('message_start', { message: message(facts, [], UNENDED, usageOf(spent, 1)) })
  for (const [index, block] of blocksOf(reply, facts).entries()) {
    yield frame('content_block_start', { index, content_block: block.start })
    if (index === 0) yield { text: 'event: ping\ndata: {"type": "ping"}\n\n', isToken: false }
    for (const delta of block.deltas) yield frame('content_block_delta', { index, delta }, true)
    yield frame('content_block_stop', { index })
  }
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usageOf(spent, 0)
  yield frame('message_delta', {
    delta: ending(reply),
    usage: {
      input_tokens,
      cache_creation_input_tokens,
      cache_read_input_tokens,
      output_tokens: spent.visibleOutput + spent.reasoning,
    },
  })
  yield frame('message_stop', {})
}

function message(facts: Facts, content: readonly JsonObject[], end: JsonObject, usage: JsonObject): JsonObject {
  return {
    model: facts.model,
    id: facts.id,
    type: 'message',
    role: 'assistant',
    content,
    ...end,
    usage,
  }
}

/** Input excludes what the cache read and wrote; output includes the thinking. */
function usageOf(spent: Spent, output: number): JsonObject {
  return {
    input_tokens: spent.uncachedInput,
    cache_creation_input_tokens: spent.cacheWrite5m + spent.cacheWrite1h,
    cache_read_input_tokens: spent.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: spent.cacheWrite5m, ephemeral_1h_input_tokens: spent.cacheWrite1h },
    output_tokens: output,
    service_tier: 'standard',
  }
}

type Block = { readonly start: JsonObject; readonly whole: JsonObject; readonly deltas: Iterable<JsonObject> }

/** A refusal is the word of a filter, not of the model: nothing is said (platform.claude.com, "Streaming refusals"). */
function blocksOf(reply: Reply, facts: Facts): readonly Block[] {
  if (reply.finish === 'refusal') return []
  const thinking = reply.thinking === undefined ? [] : [thinkingBlock(reply.thinking, facts)]
  const calls = reply.toolCalls.map(({ name, argumentsJson }): Block => {
    const id = facts.newId('toolu_01', 22)
    return {
      start: { type: 'tool_use', id, name, input: {} },
      whole: { type: 'tool_use', id, name, input: parseJson(Buffer.from(argumentsJson)) },
      deltas: ['', ...splitTokens(argumentsJson)].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    }
  })
  return [...thinking, ...(reply.text === undefined ? [] : [textBlock(reply, reply.text)]), ...calls]
}

function thinkingBlock(thinking: string, facts: Facts): Block {
  const signature = thinkingSignature(facts.seed, thinking)
  return {
    start: { type: 'thinking', thinking: '', signature: '' },
    whole: { type: 'thinking', thinking, signature },
    deltas: [
      ...splitTokens(thinking).map((piece) => ({ type: 'thinking_delta', thinking: piece })),
      { type: 'signature_delta', signature },
    ],
  }
}

function textBlock(reply: Reply, text: string): Block {
  return {
    start: { type: 'text', text: '' },
    whole: { type: 'text', text },
    deltas: {
      *[Symbol.iterator]() {
        for (const piece of reply.pieces) yield { type: 'text_delta', text: piece }
      },
    },
  }
}

const UNENDED: JsonObject = { stop_reason: null, stop_sequence: null }

function ending(reply: Reply): JsonObject {
  const details = { type: 'refusal', category: null, explanation: null }
  return {
    stop_reason: stopReason(reply),
    stop_sequence: null,
    ...(reply.finish === 'refusal' ? { stop_details: details } : {}),
  }
}

function stopReason(reply: Reply): string {
  switch (reply.finish) {
    case 'stop':
      return 'end_turn'
    case 'length':
      return 'max_tokens'
    case 'tool_calls':
      return 'tool_use'
    case 'refusal':
      return 'refusal'
  }
}
