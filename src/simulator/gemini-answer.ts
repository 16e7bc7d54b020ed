import type { Answered, Facts, Frame, Reply, Spent } from './ask.ts'
import { geminiErrorBody, geminiStatusError } from './gemini-errors.ts'
import { showsThoughts } from './gemini-request.ts'
import { parseJson, type JsonObject } from './json.ts'

/** The whole answer, indented as the provider indents it. */
export function generateContentBody({ replies, spent }: Answered, facts: Facts, body: JsonObject): string {
  const [first] = replies
  if (first.finish === 'refusal') return pretty(blocked(spent, facts))
  const candidates = replies.map((reply, index) => ({
    content: { parts: [...thoughtsOf(reply, body), ...partsOf(reply, facts)], role: 'model' },
    ...finishOf(reply),
    index,
  }))
  return pretty(chunkOf(candidates, usageOf(spent, spent.visibleOutput), facts))
}

/**
 * The stream: thoughts where they are asked for, the tokens, and for each candidate a chunk without text that says why
 * it finished; usage on every chunk. With `alt=sse` as events, else as elements of one array.
 */
export function* generateContentFrames(answered: Answered, facts: Facts, body: JsonObject): Generator<Frame> {
  let isFirst = true
  for (const { chunk, isToken } of chunksOf(answered, facts, body)) {
    yield { text: framed(chunk, body, isFirst), isToken }
    isFirst = false
  }
  if (body['alt'] !== 'sse') yield { text: ']', isToken: false }
}

/** The error that Gemini puts into a stream that has begun. */
export function generateContentErrorFrame(body: JsonObject): string {
  const error = geminiErrorBody(geminiStatusError(503), false)
  return body['alt'] === 'sse' ? `data: ${JSON.stringify(parseJson(Buffer.from(error)))}\r\n\r\n` : `,\r\n${error}]`
}

function framed(chunk: JsonObject, body: JsonObject, isFirst: boolean): string {
  if (body['alt'] === 'sse') return `data: ${JSON.stringify(chunk)}\r\n\r\n`
  return `${isFirst ? '[' : ',\r\n'}${pretty(chunk)}`
}

type Chunk = { readonly chunk: JsonObject; readonly isToken: boolean }

function* chunksOf({ replies, spent }: Answered, facts: Facts, body: JsonObject): Generator<Chunk> {
  const [first] = replies
  if (first.finish === 'refusal') return yield { chunk: blocked(spent, facts), isToken: false }
  let output: number | undefined
  const chunk = (index: number, parts: readonly JsonObject[], more: JsonObject = {}): JsonObject =>
    chunkOf([{ content: { parts, role: 'model' }, ...more, index }], usageOf(spent, output), facts)

  for (const [index, reply] of replies.entries()) {
    const thoughts = thoughtsOf(reply, body)
    if (thoughts.length > 0) yield { chunk: chunk(index, thoughts), isToken: true }
  }
  for (const [index, reply] of replies.entries()) {
    for (const piece of reply.pieces) {
      output = (output ?? 0) + 1
      yield { chunk: chunk(index, [{ text: piece }]), isToken: true }
    }
    if (reply.toolCalls.length > 0) {
      output = (output ?? 0) + reply.visibleTokens
      yield { chunk: chunk(index, partsOf(reply, facts)), isToken: true }
    }
    // The last piece of a gigantic answer stands for many tokens; the whole is known from the bill.
    if (index === replies.length - 1) output = spent.visibleOutput
    yield { chunk: chunk(index, [{ text: '' }], finishOf(reply)), isToken: false }
  }
}

function chunkOf(candidates: readonly JsonObject[], usageMetadata: JsonObject, facts: Facts): JsonObject {
  return { candidates, usageMetadata, modelVersion: facts.model, responseId: facts.id }
}

/** A prompt that the provider's filter refused: no candidate at all, with status 200. */
function blocked(spent: Spent, facts: Facts): JsonObject {
  const input = { ...spent, reasoning: 0 }
  return {
    promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
    usageMetadata: usageOf(input, undefined),
    modelVersion: facts.model,
    responseId: facts.id,
  }
}

/** Prompt tokens include the cached ones; thoughts are counted apart; what is zero is left out. */
function usageOf(spent: Spent, output: number | undefined): JsonObject {
  const prompt = spent.uncachedInput + spent.cacheRead
  const cached = { cachedContentTokenCount: spent.cacheRead, cacheTokensDetails: ofText(spent.cacheRead) }
  return {
    promptTokenCount: prompt,
    ...(output === undefined ? {} : { candidatesTokenCount: output }),
    totalTokenCount: prompt + (output ?? 0) + spent.reasoning,
    ...(spent.cacheRead === 0 ? {} : cached),
    promptTokensDetails: ofText(prompt),
    ...(spent.reasoning === 0 ? {} : { thoughtsTokenCount: spent.reasoning }),
    serviceTier: 'standard',
  }
}

function ofText(tokenCount: number): readonly JsonObject[] {
  return [{ modality: 'TEXT', tokenCount }]
}

function thoughtsOf(reply: Reply, body: JsonObject): readonly JsonObject[] {
  return reply.thinking === undefined || !showsThoughts(body) ? [] : [{ text: reply.thinking, thought: true }]
}

function partsOf(reply: Reply, facts: Facts): readonly JsonObject[] {
  if (reply.text !== undefined) return [{ text: reply.text }]
  // A reasoning model signs its first call; without the signature the next turn is refused.
  return reply.toolCalls.map(({ name, argumentsJson }, index) => ({
    functionCall: { name, args: parseJson(Buffer.from(argumentsJson)) },
    ...(facts.isReasoningModel && index === 0 ? { thoughtSignature: facts.newId('Ev', 40) } : {}),
  }))
}

function finishOf(reply: Reply): JsonObject {
  if (reply.finish === 'tool_calls') return { finishReason: 'STOP', finishMessage: 'Model generated function call(s).' }
  return { finishReason: reply.finish === 'length' ? 'MAX_TOKENS' : 'STOP' }
}

function pretty(value: JsonObject): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
