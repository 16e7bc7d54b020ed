import { describe, expect, it } from 'vitest'
import { loadCatalogue } from '../../src/catalogue/load-catalogue.ts'
import type { ModelFacts } from '../../src/domain/routing/route.ts'
import { modelFacts } from '../../src/domain/routing/model-facts.ts'
import { aProvider } from '../fakes/a-provider.ts'

const knownModel = await loadCatalogue()

function known(pricedAs: string, model: string): ModelFacts | undefined {
  return knownModel(aProvider({ name: 'x', pricedAs }), model)
}

describe('the catalogue', () => {
  // Each fact and where it was read.
  const CLAUDE = 'platform.claude.com/docs/en/models'
  const VERCEL = 'vercel.com/ai-gateway/models'
  const facts: readonly (readonly [string, string, number, number, string])[] = [
    ['openai', 'gpt-4o', 128_000, 16_384, 'rageagainstthepixel.github.io/OpenAI-DotNet/api/OpenAI.Models.Model.html'],
    ['openai', 'gpt-4o-mini', 128_000, 16_384, 'learn.microsoft.com/azure/ai-foundry/openai, fine-tune models'],
    ['openai', 'gpt-4.1', 1_047_576, 32_768, `${VERCEL}/gpt-4.1-fast`],
    ['openai', 'gpt-4.1-mini', 1_047_576, 32_768, `${VERCEL}/gpt-4.1-mini-fast`],
    ['openai', 'gpt-4.1-nano', 1_047_576, 32_768, `${VERCEL}/gpt-4.1-nano-fast`],
    ['openai', 'gpt-5', 400_000, 128_000, `${VERCEL}/gpt-5-fast`],
    ['openai', 'gpt-5.1', 400_000, 128_000, 'github.com/continuedev/openai-continue-hub/pull/2'],
    ['openai', 'gpt-5.2', 400_000, 128_000, `${VERCEL}/gpt-5.2-fast`],
    ['openai', 'gpt-5.4', 1_050_000, 128_000, 'docs.oxen.ai/inference-api/reference/models/gpt-5-4-2026-03-05'],
    ['openai', 'gpt-5.6-sol', 1_050_000, 128_000, `${VERCEL}/gpt-5.6-sol-fast`],
    [
      'openai',
      'o3',
      200_000,
      100_000,
      'github.com/RooCodeInc/Roo-Code/pull/2691, after platform.openai.com/docs/models/o3',
    ],
    ['openai', 'o4-mini', 200_000, 100_000, 'github.com/RooCodeInc/Roo-Code/pull/2691'],
    ['anthropic', 'claude-fable-5-2', 1_000_000, 128_000, CLAUDE],
    ['anthropic', 'claude-opus-5-5', 1_000_000, 128_000, CLAUDE],
    ['anthropic', 'claude-sonnet-5-5', 1_000_000, 128_000, CLAUDE],
    ['anthropic', 'claude-haiku-5-5', 1_000_000, 128_000, CLAUDE],
    ['anthropic', 'claude-sonnet-5', 1_000_000, 128_000, CLAUDE],
    ['anthropic', 'claude-opus-5', 1_000_000, 128_000, 'github.com/docker/docker-agent/pull/3830'],
    ['anthropic', 'claude-haiku-4-5-20251001', 200_000, 64_000, CLAUDE],
    [
      'google',
      'gemini-2.5-flash',
      1_048_576,
      65_536,
      'docs.oracle.com/iaas/Content/generative-ai/google-gemini-2-5-flash.htm',
    ],
    [
      'google',
      'gemini-2.5-pro',
      1_048_576,
      65_536,
      'docs.oracle.com/iaas/Content/generative-ai/google-gemini-2-5-pro.htm',
    ],
  ]
  it.each(facts)('knows the limits of %s %s: %s, %s (%s)', (pricedAs, model, contextTokens, maxOutputTokens) => {
    expect(known(pricedAs, model)).toMatchObject({ contextTokens, maxOutputTokens })
  })

  it('takes a snapshot that it does not list for its family, and no family for another', () => {
    expect(known('openai', 'gpt-5-2025-08-07')?.contextTokens).toBe(400_000)
    expect(known('anthropic', 'claude-sonnet-4-6@20260101')?.maxOutputTokens).toBe(128_000)
    expect(known('google', 'models/gemini-2.5-flash')?.maxOutputTokens).toBe(65_536)
    expect(known('openai', 'gpt-5-x')).toBeUndefined()
  })

  it.each(['', 'my-deployment', 'ft:gpt-4o:acme', '__proto__', 'constructor', 'toString', 'x'.repeat(100_000)])(
    'knows nothing of %j, at whatever provider',
    (model) => {
      for (const provider of ['openai', 'anthropic', 'nobody', '__proto__'])
        expect(known(provider, model)).toBeUndefined()
    },
  )

  it('holds what a model cannot do', () => {
    expect([...(known('openai', 'gpt-4')?.lacks ?? [])]).toEqual(['images', 'reasoning', 'json_schema'])
    expect([...(known('openai', 'gpt-4o')?.lacks ?? [])]).toEqual(['reasoning'])
    expect([...(known('openai', 'o3-mini')?.lacks ?? [])]).toEqual(['images'])
    expect([...(known('anthropic', 'claude-opus-5-5')?.lacks ?? [])]).toEqual(['audio'])
  })

  it('holds what a model refuses', () => {
    expect(known('openai', 'gpt-4o')?.refuses).toEqual(['reasoning_effort'])
    expect(known('azure', 'gpt-5')?.refuses).toContain('temperature')
    expect(known('openai', 'o3')?.refuses).toContain('stop')
    expect(known('anthropic', 'claude-opus-4-7')?.refuses).toEqual([
      'temperature',
      'top_p',
      'top_k',
      'thinking:enabled',
      'thinking:disabled',
    ])
    expect(known('anthropic', 'claude-sonnet-4-6')?.refuses).toEqual([])
    expect(known('anthropic', 'claude-haiku-4-5')?.refuses).toEqual(['thinking:adaptive', 'output_config.effort'])
  })

  it('keeps what it has looked up, and lets it go when clients send too many names', () => {
    const kept = known('openai', 'gpt-4o')
    expect(known('openai', 'gpt-4o')).toBe(kept)
    for (let i = 0; i < 5_000; i++) known('openai', `gpt-${i}`)
    expect(known('openai', 'gpt-4o')).not.toBe(kept)
    expect(known('openai', 'gpt-4o')).toEqual(kept)
  })
})

describe('modelFacts', () => {
  const provider = { ...aProvider({ name: 'own', pricedAs: 'openai' }), refuses: ['store', 'temperature'] }

  it("takes the operator's word before the catalogue's, field by field", () => {
    const said = new Map([['own/gpt-5', { maxOutputTokens: 7, lacks: new Set<never>(), refuses: ['seed'] }]])
    expect(modelFacts(said, knownModel, provider, 'gpt-5')).toEqual({
      contextTokens: 400_000,
      maxOutputTokens: 7,
      lacks: new Set(),
      refuses: ['seed', 'store', 'temperature'],
    })
  })

  it('is undefined, or empty, in all that nobody knows', () => {
    expect(modelFacts(new Map(), () => undefined, { ...provider, refuses: [] }, 'm')).toEqual({
      contextTokens: undefined,
      maxOutputTokens: undefined,
      lacks: new Set(),
      refuses: [],
    })
  })
})
