import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProvider } from '@pydantic/genai-prices'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { checkConfig } from '../../src/config/check.ts'
import { KIND_NAMES } from '../../src/config/provider-kinds.ts'
import type { Provider } from '../../src/domain/policy.ts'
import { configOf, faultsOf } from '../fakes/a-config.ts'

function providerOf(entry: string, name = 'x'): Provider {
  const provider = configOf(`providers:\n  ${name}: ${entry}\n`).policy.providers.get(name)
  if (provider === undefined) throw new Error(`no provider ${name}`)
  return provider
}

// Written down apart from the catalogue: name, dialect, address, key header, price id, whether usage is asked for.
const EXPECTED = `
anthropic anthropic https://api.anthropic.com/ x-api-key anthropic false
cerebras openai https://api.cerebras.ai/ bearer cerebras false
deepseek openai https://api.deepseek.com/ bearer deepseek true
deepseek-anthropic anthropic https://api.deepseek.com/anthropic x-api-key deepseek false
fireworks openai https://api.fireworks.ai/inference bearer fireworks true
gemini gemini https://generativelanguage.googleapis.com/ x-goog-api-key google false
gemini-openai openai https://generativelanguage.googleapis.com/v1beta/openai bearer google false
groq openai https://api.groq.com/openai bearer groq true
litellm openai http://127.0.0.1:4000/ bearer litellm true
llama-cpp openai http://127.0.0.1:8080/ bearer llama-cpp true
lm-studio openai http://127.0.0.1:1234/ none lm-studio true
mistral openai https://api.mistral.ai/ bearer mistral false
moonshot openai https://api.moonshot.ai/ bearer moonshotai true
moonshot-anthropic anthropic https://api.moonshot.ai/anthropic bearer moonshotai false
ollama openai http://127.0.0.1:11434/ none ollama true
openai openai https://api.openai.com/ bearer openai true
openrouter openai https://openrouter.ai/api bearer openrouter false
perplexity openai https://api.perplexity.ai/ bearer perplexity false
sglang openai http://127.0.0.1:30000/ bearer sglang true
together openai https://api.together.ai/ bearer together true
vllm openai http://127.0.0.1:8000/ bearer vllm true
xai openai https://api.x.ai/ bearer x-ai true
zai openai https://api.z.ai/api/paas/v4 bearer zai false
zai-anthropic anthropic https://api.z.ai/api/anthropic bearer zai false`
  .trim()
  .split('\n')
  .map((line) => line.split(' '))

/** Kinds without an address of their own. */
const ADDRESSLESS = ['azure', 'azure-deployments']

describe('a kind', () => {
  it.each(EXPECTED)('%s is a whole provider by its name alone', (name, ...facts) => {
    for (const entry of ['{}', '', `{ kind: ${name} }`]) {
      const { dialect, baseUrl, auth, pricedAs, supportsIncludeUsage, kind } = providerOf(entry, name)
      expect([dialect, baseUrl.href, auth, pricedAs, String(supportsIncludeUsage)]).toEqual(facts)
      expect(kind).toBe(name)
    }
  })

  it('is in the table above, every one', () => {
    expect(new Set([...EXPECTED.map(([name]) => name), ...ADDRESSLESS])).toEqual(new Set(KIND_NAMES))
  })

  it.each(EXPECTED)(
    '%s is priced as the price library knows it, a server of one’s own as nothing it knows',
    (...row) => {
      const [, , url = '', , pricedAs = ''] = row
      expect(findProvider({ providerId: pricedAs })?.id).toBe(url.startsWith('https:') ? pricedAs : undefined)
    },
  )

  it('without an address takes the file’s', () => {
    for (const name of ADDRESSLESS) {
      const provider = providerOf("{ base_url: 'https://r.openai.azure.com' }", name)
      expect(provider).toMatchObject({ kind: name, dialect: 'openai', auth: 'api-key', pricedAs: 'azure' })
    }
    expect(providerOf("{ base_url: 'https://r.openai.azure.com' }", 'azure').supportsIncludeUsage).toBe(true)
    // An older api-version answers the field with a 400, so there it is off until it is asked for.
    const classic = (more: string) => providerOf(`{ base_url: 'https://r.example'${more} }`, 'azure-deployments')
    expect(classic('').supportsIncludeUsage).toBe(false)
    expect(classic(', include_usage: true').supportsIncludeUsage).toBe(true)
  })

  it('gives way to the file in every key', () => {
    const told = `{ kind: cerebras, dialect: openai, base_url: 'https://eu.example/c', auth: api-key, priced_as: groq,
      include_usage: true, paths: { /v2: /v1 }, stated_cost: cost, rate_limit_headers: none, refuses: [] }`
    expect(providerOf(told)).toMatchObject({
      kind: 'cerebras',
      baseUrl: new URL('https://eu.example/c'),
      auth: 'api-key',
      pricedAs: 'groq',
      supportsIncludeUsage: true,
      paths: [{ client: '/v2', upstream: '/v1', namesModel: false }],
      statedCost: 'cost',
      rateLimitHeaders: undefined,
      refuses: [],
    })
  })

  it('holds at its own address under any name, and nowhere else unless it is named', () => {
    const entry = (url: string, dialect = 'openai') => `{ dialect: ${dialect}, base_url: '${url}' }`
    expect(providerOf(entry('https://api.groq.com/openai/'), 'fast')).toMatchObject({ kind: 'groq', pricedAs: 'groq' })
    expect(providerOf(entry('https://api.groq.com'), 'fast').kind).toBeUndefined()
    expect(providerOf(entry('https://api.deepseek.com/anthropic'), 'd').kind).toBeUndefined()
    expect(providerOf(entry('https://gateway.example/openai'), 'groq')).toMatchObject({
      kind: undefined,
      supportsIncludeUsage: false,
    })
    // Ports of one's own machine say nothing: whoever listens there may want the client's key.
    expect(providerOf(entry('http://127.0.0.1:11434'), 'ollama')).toMatchObject({ kind: undefined, auth: 'bearer' })
    expect(providerOf("{ kind: ollama, base_url: 'http://gpu:1' }")).toMatchObject({ auth: 'none', pricedAs: 'x' })
  })
})

test('a provider that is called like a kind and lives elsewhere is told how to be of it', () => {
  expect(faultsOf("providers: { groq: { base_url: 'http://127.0.0.1:1' } }")).toEqual([
    expect.stringMatching(/providers\.groq\.dialect: expected one of .* only with "kind: groq"\)/),
  ])
})

test('the example shows every kind, and lists it', () => {
  const example = readFileSync(join(import.meta.dirname, '../../config/understudy.example.yaml'), 'utf8')
  const shown = [...configOf(example).policy.providers.values()].map(({ kind }) => kind)
  expect(KIND_NAMES.filter((kind) => !shown.includes(kind))).toEqual([])
  const list = /Kinds: ([^.]+)\./.exec(example.replaceAll(/\n *# /g, ' '))?.[1] ?? ''
  expect(KIND_NAMES.filter((kind) => !new RegExp(`(?:^|[ ,])${kind}(?:[ ,;]|$)`).test(list))).toEqual([])
})

test('paths are tried from the longest to the shortest', () => {
  expect(providerOf("{ kind: groq, paths: { /: /a, /v1/x: /b, /d/*: '/e/*', /v1: / } }").paths).toEqual([
    { client: '/v1/x', upstream: '/b', namesModel: false },
    { client: '/v1', upstream: '', namesModel: false },
    { client: '/d', upstream: '/e', namesModel: true },
    { client: '', upstream: '/a', namesModel: false },
  ])
})

test('check tells a provider’s kind where its name does not, and what becomes of keys', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const keyed = '{ api_key: hunter2 }'
  const file = `providers:\n  groq:\n  fast: { kind: xai, api_key: hunter2 }\n  ollama:\n  zai-anthropic: ${keyed}\n`
  writeFileSync(join(directory, 'u.yaml'), file)
  const { ok, lines } = await checkConfig({ file: 'u.yaml', environment: {}, baseDir: directory })
  expect(ok).toBe(true)
  expect(lines.filter((line) => line.startsWith('  provider '))).toEqual([
    "  provider    groq (openai) https://api.groq.com/openai, the client's own key, first byte within 10m",
    '  provider    fast (openai, kind xai) https://api.x.ai, server key set, first byte within 10m',
    '  provider    ollama (openai) http://127.0.0.1:11434, no key sent, first byte within 10m',
    '  provider    zai-anthropic (anthropic) https://api.z.ai/api/anthropic, server key set (bearer), first byte within 10m',
  ])
})
