import type { Answered, Facts, Frame, Reply, Spent } from './ask.ts'
import { drawSequence, idText } from './draw.ts'
import { isObject, type JsonObject } from './json.ts'
import { splitTokens } from './tokens.ts'

/** The whole answer, indented as the provider indents it. */
export function chatBody({ replies, spent }: Answered, facts: Facts, body: JsonObject): string {
  return JSON.stringify(
    {
      id: facts.id,
      object: 'chat.completion',
      created: facts.createdSeconds,
      model: facts.model,
      choices: replies.map((reply, index) => ({
        index,
        message: messageOf(reply, facts),
        ...(facts.isReasoningModel ? {} : { logprobs: null }),
        finish_reason: finishReason(reply),
      })),
      usage: usageOf(facts, spent),
      service_tier: servedTier(body['service_tier']),
      system_fingerprint: fingerprint(facts),
    },
    undefined,
    2,
  )
}

/** The stream: role first, then the tokens, the finish reason, the usage where it was asked for, `[DONE]`. */
export function* chatFrames({ replies, spent }: Answered, facts: Facts, body: JsonObject): Generator<Frame> {
  const options = isObject(body['stream_options']) ? body['stream_options'] : {}
  const told = facts.usage?.inStream ?? 'asked'
  const asksUsage = options['include_usage'] === true && (told === 'asked' || told === 'x_groq')
  const usage = usageOf(facts, spent)
  const isObfuscated = options['include_obfuscation'] !== false
  const next = drawSequence(facts.seed, 'obfuscation', facts.model)
  const frame = (choices: readonly unknown[], more: JsonObject, isToken: boolean): Frame => {
    const chunk = {
      id: facts.id,
      object: 'chat.completion.chunk',
      created: facts.createdSeconds,
      model: facts.model,
      service_tier: servedTier(body['service_tier']),
      system_fingerprint: fingerprint(facts),
      choices,
      ...(asksUsage ? { usage: null } : {}),
      ...(told === 'each' ? { usage } : {}),
      ...more,
      ...(isObfuscated
        ? { obfuscation: idText(facts.seed, Math.floor(next() * 2 ** 32), 1 + Math.floor(next() * 14)) }
        : {}),
    }
    return { text: `data: ${JSON.stringify(chunk)}\n\n`, isToken }
  }
  const choice = (index: number, delta: unknown, reason: string | null): readonly unknown[] => [
    { index, delta, ...(facts.isReasoningModel ? {} : { logprobs: null }), finish_reason: reason },
  ]

  for (const { index, delta, isToken } of interleave(replies.map((reply, index) => deltas(reply, index, facts)))) {
    yield frame(choice(index, delta, null), {}, isToken)
  }
  const atFinish = told === 'finish' ? { usage } : told === 'x_groq' ? { x_groq: { usage } } : {}
  for (const [index, reply] of replies.entries()) {
    yield frame(choice(index, {}, finishReason(reply)), index === replies.length - 1 ? atFinish : {}, false)
  }
  if (told === 'apart') yield frame(choice(0, { role: 'assistant', content: '' }, null), { usage }, false)
  if (asksUsage) yield frame([], { usage }, false)
  yield { text: 'data: [DONE]\n\n', isToken: false }
}

function usageOf(facts: Facts, spent: Spent): JsonObject {
  return (facts.usage?.shape ?? chatUsage)(spent)
}

export function chatUsage(spent: Spent): JsonObject {
  const prompt = spent.uncachedInput + spent.cacheRead
  const completion = spent.visibleOutput + spent.reasoning
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: spent.cacheRead, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: spent.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** The tier that serves a request: `auto` and none mean the default one. */
export function servedTier(asked: unknown): string {
  return typeof asked === 'string' && asked !== 'auto' ? asked : 'default'
}

function messageOf(reply: Reply, facts: Facts): JsonObject {
  const isRefusal = reply.finish === 'refusal'
  const calls = reply.toolCalls.map(({ name, argumentsJson }) => ({
    id: facts.newId('call_', 24),
    type: 'function',
    function: { name, arguments: argumentsJson },
  }))
  return {
    role: 'assistant',
    content: isRefusal ? null : (reply.text ?? null),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    refusal: isRefusal ? reply.text : null,
    annotations: [],
  }
}

type Delta = { readonly index: number; readonly delta: JsonObject; readonly isToken: boolean }

function* deltas(reply: Reply, index: number, facts: Facts): Generator<Delta> {
  if (reply.toolCalls.length === 0) {
    const isRefusal = reply.finish === 'refusal'
    yield {
      index,
      delta: { role: 'assistant', content: isRefusal ? null : '', refusal: isRefusal ? '' : null },
      isToken: false,
    }
    for (const piece of reply.pieces)
      yield { index, delta: isRefusal ? { refusal: piece } : { content: piece }, isToken: true }
    return
  }
  // With one call the role and the call share a chunk; with several the role comes alone.
  const isSingle = reply.toolCalls.length === 1
  if (!isSingle) yield { index, delta: { role: 'assistant', content: null }, isToken: false }
  for (const [position, { name, argumentsJson }] of reply.toolCalls.entries()) {
    const opening = {
      index: position,
      id: facts.newId('call_', 24),
      type: 'function',
      function: { name, arguments: '' },
    }
    const role = isSingle ? { role: 'assistant', content: null } : {}
    yield { index, delta: { ...role, tool_calls: [opening], ...(isSingle ? { refusal: null } : {}) }, isToken: true }
    for (const piece of splitTokens(argumentsJson)) {
      yield { index, delta: { tool_calls: [{ index: position, function: { arguments: piece } }] }, isToken: true }
    }
  }
}

/** One of each in turn, until all are at their end. */
function* interleave<T>(rows: readonly Generator<T>[]): Generator<T> {
  let open = [...rows]
  while (open.length > 0) {
    const ended = new Set<Generator<T>>()
    for (const row of open) {
      const step = row.next()
      if (step.done === true) ended.add(row)
      else yield step.value
    }
    open = open.filter((row) => !ended.has(row))
  }
}

function finishReason(reply: Reply): string {
  return reply.finish === 'refusal' ? 'stop' : reply.finish
}

/** Reasoning models have none. */
function fingerprint(facts: Facts): string | null {
  return facts.isReasoningModel ? null : 'fp_51ee2d0e57'
}
