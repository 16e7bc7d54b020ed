import { describe, expect, it } from 'vitest'
import { recognise } from '../../src/dialects/recognise.ts'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'

const { providers } = aPolicy([
  aProvider(),
  aProvider({ name: 'anthropic', dialect: 'anthropic' }),
  aProvider({ name: 'groq' }),
])

function told(line: string, hasAnthropicVersion = false): string {
  const [method = '', url = ''] = line.split(' ')
  const found = recognise(method, url, hasAnthropicVersion, providers)
  return 'error' in found ? found.error : `${found.provider} ${found.api} ${found.upstreamPath} ${found.path}`
}

describe('recognise', () => {
  it.each([
    ['POST /v1/chat/completions', 'openai chat_completions /v1/chat/completions /v1/chat/completions'],
    ['POST /v1/responses?x=1', 'openai responses /v1/responses?x=1 /v1/responses'],
    ['POST /v1/completions', 'openai completions /v1/completions /v1/completions'],
    ['POST /v1/embeddings', 'openai embeddings /v1/embeddings /v1/embeddings'],
    ['POST /v1/messages', 'anthropic messages /v1/messages /v1/messages'],
    [
      'POST /v1/messages/count_tokens?beta=true',
      'anthropic count_tokens /v1/messages/count_tokens?beta=true /v1/messages/count_tokens',
    ],
    ['POST /v1/messages/batches', 'anthropic passthrough /v1/messages/batches /v1/messages/batches'],
    ['GET /v1/chat/completions', 'openai passthrough /v1/chat/completions /v1/chat/completions'],
    ['GET /v1/responses/resp_1', 'openai passthrough /v1/responses/resp_1 /v1/responses/resp_1'],
    ['GET /v1/models', 'openai passthrough /v1/models /v1/models'],
    ['POST /openai/v1/chat/completions', 'openai chat_completions /v1/chat/completions /openai/v1/chat/completions'],
    ['POST /anthropic/v1/messages', 'anthropic messages /v1/messages /anthropic/v1/messages'],
    ['POST /p/groq/v1/chat/completions?a', 'groq chat_completions /v1/chat/completions?a /p/groq/v1/chat/completions'],
    ['GET /p/groq', 'groq passthrough / /p/groq'],
    ['GET /openai?x', 'openai passthrough /?x /openai'],
    ['POST http://evil.example/openai/v1/embeddings', 'openai embeddings /v1/embeddings /openai/v1/embeddings'],
    ['GET //evil.example/x', 'openai passthrough //evil.example/x //evil.example/x'],
    ['POST /p/nobody/v1/chat/completions', 'unknown_provider'],
    ['POST /gemini/v1beta/models', 'unknown_provider'],
    ['GET /p', 'unknown_provider'],
    ['GET /understudy/v1/feedback', 'reserved_path'],
    ['OPTIONS *', 'no_route'],
  ])('%s → %s', (line, expected) => expect(told(line)).toBe(expected))

  it('takes an anthropic-version header as Anthropic only where both dialects own the path', () => {
    expect(told('GET /v1/models', true)).toBe('anthropic passthrough /v1/models /v1/models')
    expect(told('GET /v1/files/f1', true)).toBe('anthropic passthrough /v1/files/f1 /v1/files/f1')
    expect(told('POST /v1/chat/completions', true)).toBe(
      'openai chat_completions /v1/chat/completions /v1/chat/completions',
    )
    expect(told('GET /openai/v1/models', true)).toBe('openai passthrough /v1/models /openai/v1/models')
  })
})
