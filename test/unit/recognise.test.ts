import { describe, expect, it } from 'vitest'
import { isModelCall, recognise } from '../../src/dialects/recognise.ts'
import { configOf } from '../fakes/a-config.ts'
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

  const GEMINI = '/v1beta/models/gemini-2.5-flash'
  it.each([
    [
      `POST ${GEMINI}:generateContent`,
      `gemini generate_content ${GEMINI}:generateContent ${GEMINI}:generateContent gemini-2.5-flash`,
    ],
    [
      `POST /gemini${GEMINI}:streamGenerateContent?alt=sse&key=k`,
      `gemini generate_content ${GEMINI}:streamGenerateContent?alt=sse&key=k /gemini${GEMINI}:streamGenerateContent gemini-2.5-flash stream`,
    ],
    [
      'POST /p/gemini/v1/models/m:countTokens',
      'gemini count_tokens /v1/models/m:countTokens /p/gemini/v1/models/m:countTokens m',
    ],
    [
      'POST /gemini/v1beta/models/m:embedContent',
      'gemini embed_content /v1beta/models/m:embedContent /gemini/v1beta/models/m:embedContent m',
    ],
    [
      'POST /v1/models/m:batchEmbedContents',
      'gemini embed_content /v1/models/m:batchEmbedContents /v1/models/m:batchEmbedContents m',
    ],
    [
      'POST /v1beta/tunedModels/my-1:generateContent',
      'gemini generate_content /v1beta/tunedModels/my-1:generateContent /v1beta/tunedModels/my-1:generateContent tunedModels/my-1',
    ],
    [
      'POST /v1beta/models/a%20b%3AgenerateContent',
      'gemini generate_content /v1beta/models/a%20b%3AgenerateContent /v1beta/models/a%20b%3AgenerateContent a b',
    ],
    ['POST /v1beta/models/m:predict', 'gemini passthrough /v1beta/models/m:predict /v1beta/models/m:predict m'],
    [
      'GET /v1beta/models/m:generateContent',
      'gemini passthrough /v1beta/models/m:generateContent /v1beta/models/m:generateContent',
    ],
    ['GET /v1beta/models', 'gemini passthrough /v1beta/models /v1beta/models'],
    ['POST /upload/v1beta/files', 'gemini passthrough /upload/v1beta/files /upload/v1beta/files'],
    [
      'DELETE /v1/models/ft:gpt-4o:org::id',
      'openai passthrough /v1/models/ft:gpt-4o:org::id /v1/models/ft:gpt-4o:org::id',
    ],
    [
      'POST /openai/v1beta/models/m:generateContent',
      'openai passthrough /v1beta/models/m:generateContent /openai/v1beta/models/m:generateContent',
    ],
    ['POST /v1/betamodels/m', 'openai passthrough /v1/betamodels/m /v1/betamodels/m'],
  ])('%s → %s', (line, expected) => {
    const { providers: withGemini } = aPolicy([...providers.values(), aProvider({ name: 'gemini', dialect: 'gemini' })])
    const [method = '', url = ''] = line.split(' ')
    const found = recognise(method, url, false, withGemini)
    if ('error' in found) throw new Error(found.error)
    const { provider, api, upstreamPath, path, inPath } = found
    const facts = inPath === undefined ? [] : [inPath.model, ...(inPath.isStream === true ? ['stream'] : [])]
    expect([provider, api, upstreamPath, path, ...facts].join(' ')).toBe(expected)
  })

  it('takes an anthropic-version header as Anthropic only where both dialects own the path', () => {
    expect(told('GET /v1/models', true)).toBe('anthropic passthrough /v1/models /v1/models')
    expect(told('GET /v1/files/f1', true)).toBe('anthropic passthrough /v1/files/f1 /v1/files/f1')
    expect(told('POST /v1/chat/completions', true)).toBe(
      'openai chat_completions /v1/chat/completions /v1/chat/completions',
    )
    expect(told('GET /openai/v1/models', true)).toBe('openai passthrough /v1/models /openai/v1/models')
  })
})

describe('paths of the provider’s own', () => {
  const { policy } = configOf(`providers:
  azure: { base_url: 'https://r.openai.azure.com' }
  azure-deployments: { base_url: 'https://r.openai.azure.com' }
  deepseek:
  gemini-openai:
  odd: { kind: groq, paths: { /v1: /api/v3, /v1/x: /y, '/': /z } }
`)
  it.each([
    ['POST /p/azure/v1/chat/completions', 'chat_completions /openai/v1/chat/completions'],
    ['POST /p/azure/v1/responses?api-version=preview', 'responses /openai/v1/responses?api-version=preview'],
    ['POST /p/azure/openai/v1/embeddings', 'embeddings /openai/v1/embeddings'],
    ['GET /p/azure/v1/models', 'passthrough /openai/v1/models'],
    ['GET /p/azure/v1', 'passthrough /openai/v1'],
    ['POST /p/azure/v12/chat/completions', 'passthrough /v12/chat/completions'],
    ['POST /p/azure/chat/completions', 'passthrough /chat/completions'],
    [
      'POST /p/azure-deployments/openai/deployments/gpt%2D5/chat/completions?api-version=2024-10-21',
      'chat_completions /openai/deployments/gpt%2D5/chat/completions?api-version=2024-10-21 gpt-5',
    ],
    ['POST /p/azure-deployments/openai/deployments/e%/embeddings', 'embeddings /openai/deployments/e%/embeddings e%'],
    ['POST /p/azure-deployments/openai/deployments/m/extensions/x', 'passthrough /openai/deployments/m/extensions/x m'],
    [
      'POST /p/azure-deployments/openai/deployments//chat/completions',
      'passthrough /openai/deployments//chat/completions',
    ],
    ['GET /p/azure-deployments/openai/deployments', 'passthrough /openai/deployments'],
    ['GET /p/azure-deployments/openai/models?a', 'passthrough /openai/models?a'],
    ['POST /p/deepseek/v1/chat/completions', 'chat_completions /v1/chat/completions'],
    ['POST /p/deepseek/chat/completions?a', 'chat_completions /chat/completions?a'],
    ['POST /p/deepseek/beta/completions', 'passthrough /beta/completions'],
    ['GET /p/deepseek', 'passthrough /'],
    ['POST /p/gemini-openai/v1/chat/completions', 'chat_completions /chat/completions'],
    ['POST /p/gemini-openai/embeddings', 'embeddings /embeddings'],
    ['POST /p/odd/v1/x/responses', 'responses /y/responses'],
    ['POST /p/odd/v1/xx', 'passthrough /api/v3/xx'],
    ['POST /p/odd/completions', 'completions /z/completions'],
  ])('%s → %s', (line, expected) => {
    const [method = '', url = ''] = line.split(' ')
    const found = recognise(method, url, false, policy.providers)
    if ('error' in found) throw new Error(found.error)
    const { api, upstreamPath, inPath } = found
    expect([api, upstreamPath, ...(inPath === undefined ? [] : [inPath.model])].join(' ')).toBe(expected)
    expect(inPath?.isStream).toBeUndefined()
    expect(api === 'passthrough' || isModelCall(method, url)).toBe(true)
  })

  it('with no key asked for, a key in Gemini’s query stays behind as well', () => {
    const keyless = aProvider({ name: 'gemini', dialect: 'gemini', auth: 'none' })
    const found = recognise(
      'POST',
      '/gemini/v1beta/models/m:countTokens?key=k&a',
      false,
      new Map([['gemini', keyless]]),
    )
    expect(found).toMatchObject({ upstreamPath: '/v1beta/models/m:countTokens?a' })
  })

  it('keep the config’s key below the base URL', () => {
    const [provider] = configOf('providers:\n  zai: { api_key: k }\n').policy.providers.values()
    if (provider === undefined) throw new Error('no provider')
    const found = recognise('GET', '/p/zai/v1/../../admin', false, new Map([['zai', provider]]))
    expect(found).toEqual({ error: 'no_route' })
  })
})

describe('a path with dot segments', () => {
  const paths = ['/../x', '/..', '/.', '/v1/./x', '/v1/../../x', '/v1/%2e%2E/x', '/v1/.%2e', '/%2E/x', '/v1\\..\\x']
  const sly = ['/v1/..%2f..%2Fx', '/v1%5c..%5Cx', '/v1/..;/x', '/v1/..;a=b/x', '/v1/..%3B/x', '/..?x=1']
  const innocent = ['/v1/a..b', '/v1/...', '/v1/.well-known', '/v1/m-1.5', '/v1/%2e%2e%2e/x', '/v1/x?a=/../']
  const upstreamPathOf = (baseUrl: string, apiKey: string | undefined, path: string): string => {
    const { providers: only } = aPolicy([aProvider({ baseUrl: new URL(baseUrl), apiKey })])
    const found = recognise('GET', `/openai${path}`, false, only)
    return 'error' in found ? found.error : found.upstreamPath
  }

  it.each([...paths, ...sly])('%s is refused where it would take the config key out of its base URL', (path) => {
    expect(upstreamPathOf('https://host.example/team-a', 'sk-server', path)).toBe('no_route')
    expect(told(`GET /openai${path}`)).not.toBe('no_route')
  })

  it.each([...paths, ...sly])(
    '%s goes on as written where there is nothing to get out of, or no key to take along',
    (path) => {
      expect(upstreamPathOf('https://host.example/team-a', undefined, path)).toBe(path)
      expect(upstreamPathOf('https://host.example', 'sk-server', path)).toBe(path)
    },
  )

  it.each(innocent)('%s has none', (path) => {
    expect(upstreamPathOf('https://host.example/team-a', 'sk-server', path)).toBe(path)
  })
})
