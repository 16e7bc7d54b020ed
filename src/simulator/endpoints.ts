import type { Dialect } from '../domain/request.ts'
import { messageBody, messageFrames } from './anthropic-answer.ts'
import { readMessages } from './anthropic-messages.ts'
import type { Answered, Ask, Facts, Frame } from './ask.ts'
import type { JsonObject } from './json.ts'
import type { SimulatedModel } from './model.ts'
import { chatBody, chatFrames } from './chat-answer.ts'
import { readChat } from './openai-chat.ts'
import { completionBody, completionFrames, readCompletion } from './openai-completions.ts'
import { embeddingsBody, readEmbeddings } from './openai-embeddings.ts'
import { readResponses } from './openai-responses.ts'
import { statusError, type ApiError } from './provider-errors.ts'
import { responsesBody, responsesFrames } from './responses-answer.ts'
import { countTokens } from './tokens.ts'

/** An operation that answers with text, whole or streamed. */
export type TextEndpoint = {
  readonly kind: 'text'
  readonly dialect: Dialect
  readonly does: SimulatedModel['does']
  readonly idPrefix: string
  readonly idLength: number
  readonly read: (body: JsonObject, model: SimulatedModel, seed: number) => Ask | ApiError
  readonly whole: (answered: Answered, facts: Facts, body: JsonObject) => string
  readonly frames: (answered: Answered, facts: Facts, body: JsonObject) => Iterable<Frame>
  /** The frame that reports an error inside a stream. */
  readonly errorFrame: (facts: Facts, body: JsonObject) => string
}

/** An operation that answers with one JSON value. */
export type ValueEndpoint = {
  readonly kind: 'value'
  readonly dialect: Dialect
  readonly does: SimulatedModel['does']
  readonly answer: (body: JsonObject, model: SimulatedModel, seed: number) => string | ApiError
}

/** Every operation that is a POST of a JSON body naming a model, by path; Gemini's name it in the path. */
export const ENDPOINTS: ReadonlyMap<string, TextEndpoint | ValueEndpoint> = new Map<
  string,
  TextEndpoint | ValueEndpoint
>([
  [
    '/v1/chat/completions',
    {
      kind: 'text',
      dialect: 'openai',
      does: 'chat',
      idPrefix: 'chatcmpl-',
      idLength: 29,
      read: readChat,
      whole: chatBody,
      frames: chatFrames,
      errorFrame: chatErrorFrame,
    },
  ],
  [
    '/v1/completions',
    {
      kind: 'text',
      dialect: 'openai',
      does: 'completion',
      idPrefix: 'cmpl-',
      idLength: 29,
      read: readCompletion,
      whole: completionBody,
      frames: completionFrames,
      errorFrame: chatErrorFrame,
    },
  ],
  [
    '/v1/responses',
    {
      kind: 'text',
      dialect: 'openai',
      does: 'chat',
      idPrefix: 'resp_',
      idLength: 48,
      read: readResponses,
      whole: responsesBody,
      frames: responsesFrames,
      errorFrame: responsesErrorFrame,
    },
  ],
  [
    '/v1/messages',
    {
      kind: 'text',
      dialect: 'anthropic',
      does: 'chat',
      idPrefix: 'msg_01',
      idLength: 22,
      read: (body, _model, seed) => readMessages(body, seed),
      whole: messageBody,
      frames: messageFrames,
      errorFrame: messagesErrorFrame,
    },
  ],
  [
    '/v1/messages/count_tokens',
    {
      kind: 'value',
      dialect: 'anthropic',
      does: 'chat',
      answer(body, _model, seed) {
        const ask = readMessages(body, seed, false)
        return 'status' in ask ? ask : JSON.stringify({ input_tokens: countTokens(ask.prompt) })
      },
    },
  ],
  [
    '/v1/embeddings',
    {
      kind: 'value',
      dialect: 'openai',
      does: 'embedding',
      answer(body, model, seed) {
        const ask = readEmbeddings(body)
        return 'status' in ask ? ask : embeddingsBody(ask, model.snapshot, seed)
      },
    },
  ],
])

function chatErrorFrame(): string {
  const { type, message, param, code } = statusError('openai', 500)
  return `data: ${JSON.stringify({ error: { message, type, param, code } })}\n\n`
}

function responsesErrorFrame(): string {
  const { type, message } = statusError('openai', 500)
  return `event: error\ndata: ${JSON.stringify({ type: 'error', sequence_number: 0, code: type, message, param: null })}\n\n`
}

function messagesErrorFrame(facts: Facts): string {
  const { type, message } = statusError('anthropic', 529)
  return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message }, request_id: facts.requestId })}\n\n`
}
