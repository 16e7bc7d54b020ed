import type { Api } from '../domain/request.ts'
import type { AnswerReader } from './answer.ts'
import { createMessagesReader } from './anthropic-messages.ts'
import { createCountTokensReader } from './count-tokens.ts'
import { createGenerateContentReader } from './gemini-content.ts'
import { createEmbedContentReader } from './gemini-embeddings.ts'
import { createChatReader } from './openai-chat.ts'
import { createEmbeddingsReader } from './openai-embeddings.ts'
import { createResponsesReader } from './openai-responses.ts'

/** A new reader for one answer of `api`; undefined where answers are relayed unread. */
export function readerFor(api: Api): AnswerReader | undefined {
  switch (api) {
    case 'chat_completions':
    case 'completions':
      return createChatReader()
    case 'responses':
      return createResponsesReader()
    case 'embeddings':
      return createEmbeddingsReader()
    case 'messages':
      return createMessagesReader()
    case 'count_tokens':
      return createCountTokensReader()
    case 'generate_content':
      return createGenerateContentReader()
    case 'embed_content':
      return createEmbedContentReader()
    case 'passthrough':
      return undefined
  }
}
