import type { Answered, Ask, Facts, Frame } from './ask.ts'
import { countOf, isObject, textOf, type JsonObject } from './json.ts'
import { chatUsage } from './chat-answer.ts'
import { missingField, type ApiError } from './provider-errors.ts'

/** Reads a legacy completions body. */
export function readCompletion(body: JsonObject): Ask | ApiError {
  const prompt = body['prompt']
  const text = textOf(prompt) ?? (Array.isArray(prompt) ? prompt.join('\n') : undefined)
  if (text === undefined) return missingField('openai', 'prompt')
  return {
    prompt: text,
    question: text,
    cacheMarks: [],
    isStream: body['stream'] === true,
    choices: countOf(body['n']) ?? 1,
    maxTokens: countOf(body['max_tokens']) ?? 16,
    tools: [],
    toolChoice: 'none',
    isAfterTool: false,
    schema: undefined,
    thinks: false,
    serviceTier: undefined,
  }
}

export function completionBody({ replies, spent }: Answered, facts: Facts): string {
  const choices = replies.map((reply, index) => ({
    text: reply.text ?? '',
    index,
    logprobs: null,
    finish_reason: reply.finish,
  }))
  return JSON.stringify({ ...envelope(facts), choices, usage: usageOf(chatUsage(spent)) }, undefined, 2) + '\n'
}

export function* completionFrames({ replies, spent }: Answered, facts: Facts, body: JsonObject): Generator<Frame> {
  const options = isObject(body['stream_options']) ? body['stream_options'] : {}
  const asksUsage = options['include_usage'] === true
  const frame = (choices: readonly unknown[], usage: unknown, isToken: boolean): Frame => {
    const { id, object, created, model } = envelope(facts)
    return {
      text: `data: ${JSON.stringify({ id, object, created, choices, model, ...(asksUsage ? { usage } : {}) })}\n\n`,
      isToken,
    }
  }
  for (const [index, reply] of replies.entries()) {
    for (const text of reply.pieces) yield frame([{ text, index, logprobs: null, finish_reason: null }], null, true)
    yield frame([{ text: '', index, logprobs: null, finish_reason: reply.finish }], null, false)
  }
  if (asksUsage) yield frame([], usageOf(chatUsage(spent)), false)
  yield { text: 'data: [DONE]\n\n', isToken: false }
}

type Envelope = {
  readonly id: string
  readonly object: 'text_completion'
  readonly created: number
  readonly model: string
}

function envelope(facts: Facts): Envelope {
  return { id: facts.id, object: 'text_completion', created: facts.createdSeconds, model: facts.model }
}

/** This API states the three totals and no details. */
function usageOf({ prompt_tokens, completion_tokens, total_tokens }: JsonObject): JsonObject {
  return { prompt_tokens, completion_tokens, total_tokens }
}
