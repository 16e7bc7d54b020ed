import { expect, test } from 'vitest'
import { pathAt } from '../../src/dialects/path-at.ts'
import type { Provider } from '../../src/domain/policy.ts'
import { aProvider } from '../fakes/a-provider.ts'

const CHAT = {
  provider: 'openai',
  api: 'chat_completions',
  upstreamPath: '/v1/chat/completions?x=1',
  inPath: undefined,
} as const
const under = (client: string, upstream: string, namesModel = false): Partial<Provider> => ({
  name: 'other',
  paths: [{ client, upstream, namesModel }],
})

test.each([
  ['its own', { name: 'openai' }, '/v1/chat/completions?x=1'],
  ['another with the same paths', { name: 'other' }, '/v1/chat/completions?x=1'],
  ['one that has them elsewhere', under('/v1', '/openai/v1'), '/openai/v1/chat/completions?x=1'],
  ['one without a version', under('/v1', ''), '/chat/completions?x=1'],
  ['one whose clients say nothing of a version', under('', '/v4'), '/v4/v1/chat/completions?x=1'],
  ['one that is known by other paths alone', under('/api', '/api/v3'), '/api/v3/chat/completions?x=1'],
  [
    'a deployment',
    under('/openai/deployments', '/openai/deployments', true),
    '/openai/deployments/m%2F1/chat/completions?x=1',
  ],
] as const)('a chat call leads at %s to where its API is', (_whose, provider, path) => {
  expect(pathAt(aProvider(provider), CHAT, 'm/1').path).toBe(path)
})

test('a path that names the model says so, and one that no longer does does not', () => {
  const azure = { ...CHAT, inPath: { model: 'd', isStream: undefined } }
  expect(pathAt(aProvider({ name: 'other' }), azure, 'm').inPath).toBeUndefined()
  expect(pathAt(aProvider(under('/d', '/d', true)), CHAT, 'm').inPath).toEqual({ model: 'm', isStream: undefined })
})

test('a Gemini path stays, without the key in its query', () => {
  const inPath = { model: 'g', isStream: true }
  const call = {
    provider: 'gemini',
    api: 'count_tokens',
    upstreamPath: '/v1beta/models/g:countTokens?key=secret&alt=sse',
    inPath,
  } as const
  const provider = aProvider({ name: 'other', dialect: 'gemini' })
  expect(pathAt(provider, call, 'g')).toEqual({ path: '/v1beta/models/g:countTokens?alt=sse', inPath })
})
