import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { Api, Dialect } from '../../src/domain/request.ts'
import { genAiAttributes, genAiSpanName } from '../../src/telemetry/genai.ts'
import { anAttempt, aRequest } from '../fakes/an-exchange.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

it('is the only file that knows the names of the GenAI conventions', () => {
  const sources = globSync('src/**/*.{ts,mjs}', { cwd: ROOT })
  const writers = sources.filter((path) => readFileSync(`${ROOT}/${path}`, 'utf8').includes('gen_ai.'))
  expect(writers).toEqual(['src/telemetry/genai.ts'])
})

it.each<[Api, Dialect, string]>([
  ['chat_completions', 'openai', 'chat'],
  ['responses', 'openai', 'chat'],
  ['completions', 'openai', 'text_completion'],
  ['embeddings', 'openai', 'embeddings'],
  ['messages', 'anthropic', 'chat'],
  ['count_tokens', 'anthropic', 'count_tokens'],
  ['generate_content', 'gemini', 'generate_content'],
  ['embed_content', 'gemini', 'embeddings'],
])('tells %s as the conventions call it', (api, dialect, operation) => {
  const request = aRequest({ api, dialect })
  expect(genAiAttributes(request, anAttempt(), 'openai')['gen_ai.operation.name']).toBe(operation)
  expect(genAiSpanName(request, 'm')).toBe(`${operation} m`)
  expect(genAiSpanName(request, undefined)).toBe(operation)
})

it('tells nothing of a request that was not read', () => {
  const request = aRequest({ api: 'passthrough' })
  expect(genAiAttributes(request, anAttempt(), 'openai')).toEqual({ 'gen_ai.provider.name': 'openai' })
  expect(genAiSpanName(request, 'm')).toBeUndefined()
})

it.each([
  ['openai', 'openai'],
  ['azure', 'azure.ai.openai'],
  ['google', 'gcp.gemini'],
  ['mistral', 'mistral_ai'],
  ['x-ai', 'x_ai'],
  ['local-llm', 'local-llm'],
])('names the provider that is priced as %s %s', (pricedAs, name) => {
  expect(genAiAttributes(aRequest(), anAttempt(), pricedAs)['gen_ai.provider.name']).toBe(name)
})

it('says unknown by saying nothing', () => {
  const attempt = anAttempt({
    target: { provider: 'openai', model: undefined },
    servedModel: undefined,
    responseId: undefined,
    finishReason: undefined,
    firstTokenMs: undefined,
    usage: undefined,
  })
  expect(genAiAttributes(aRequest({ isStream: true }), attempt, 'openai')).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.stream': true,
    'openai.api.type': 'chat_completions',
  })
})

it('has a time to first chunk for streams alone', () => {
  const name = 'gen_ai.response.time_to_first_chunk'
  const stream = anAttempt({ firstTokenMs: 250, streamEvents: 9 })
  expect(genAiAttributes(aRequest({ isStream: true }), stream, 'openai')[name]).toBe(0.25)
  expect(genAiAttributes(aRequest(), anAttempt({ firstTokenMs: 250 }), 'openai')).not.toHaveProperty([name])
})
