import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retarget } from '../../src/dialects/retarget.ts'
import type { Api } from '../../src/domain/request.ts'
import { anyPrompt, bodyOf, type PromptApi } from '../fakes/any-prompt.ts'

const APIS: readonly PromptApi[] = ['chat_completions', 'responses', 'messages', 'generate_content']
const PATH = '/v1/x'
const inPath = { model: 'asked', isStream: false }

const FIELDS = ['temperature', 'top_p', 'seed', 'store', 'service_tier', 'parallel_tool_calls', 'metadata']
const extras = fc.dictionary(fc.constantFrom(...FIELDS, 'other', 'a"b\\'), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 9,
})
const refused = fc.uniqueArray(fc.constantFrom(...FIELDS), { maxLength: 7 })
const model = fc.oneof(fc.constantFrom('gpt-4o', 'a"b\\', 'modèle'), fc.string({ unit: 'grapheme', minLength: 1 }))

/** The body with some order of its members, and white space as its writer likes it. */
function written(body: object, indent: number, isReversed: boolean): Buffer {
  const entries = Object.entries(body).filter(([, value]) => value !== undefined)
  return Buffer.from(JSON.stringify(Object.fromEntries(isReversed ? entries.toReversed() : entries), undefined, indent))
}

function parsed(bytes: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(bytes.toString())
  return { ...(typeof value === 'object' ? value : {}) }
}

describe('retarget', () => {
  it('changes the model and what is refused, and nothing else, for any body', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...APIS),
        anyPrompt,
        extras,
        refused,
        model,
        fc.constantFrom(0, 2),
        fc.boolean(),
        (api, prompt, more, refuses, name, indent, isReversed) => {
          const isGemini = api === 'generate_content'
          const bytes = written(
            { ...more, ...bodyOf(prompt, api), ...(isGemini ? {} : { model: 'asked' }) },
            indent,
            isReversed,
          )
          const call = { api, path: PATH, inPath: isGemini ? inPath : undefined, body: bytes }
          const done = retarget(call, name, { lacks: new Set(), refuses })
          const expected = parsed(bytes)
          for (const field of refuses) delete expected[field]
          expect(parsed(done.body)).toEqual(isGemini ? expected : { ...expected, model: name })
          expect(done.adaptations).toEqual(
            refuses.filter((field) => Object.hasOwn(parsed(bytes), field)).map((field) => `dropped:${field}`),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('takes any fields out of the object that holds them, neighbours and first ones too', () => {
    const config = fc.dictionary(fc.constantFrom('temperature', 'topP', 'topK', 'seed', 'x', 'y'), fc.jsonValue(), {
      maxKeys: 6,
    })
    const fields = fc.subarray(['temperature', 'top_p', 'top_k', 'seed'])
    fc.assert(
      fc.property(config, fields, fc.constantFrom(0, 2), (generationConfig, refuses, indent) => {
        const bytes = written({ contents: [], generationConfig }, indent, false)
        const call = { api: 'generate_content' as const, path: PATH, inPath, body: bytes }
        const camel: Record<string, string> = { top_p: 'topP', top_k: 'topK' }
        const done = retarget(call, undefined, { lacks: new Set(), refuses })
        const kept: Record<string, unknown> = { ...Object(parsed(bytes)['generationConfig']) }
        for (const field of refuses) delete kept[camel[field] ?? field]
        expect(parsed(done.body)).toEqual({ contents: [], generationConfig: kept })
      }),
    )
  })

  it('gives the very same buffer where nothing is to change', () => {
    fc.assert(
      fc.property(fc.constantFrom(...APIS), anyPrompt, fc.constantFrom(0, 2), (api, prompt, indent) => {
        const body = written({ ...bodyOf(prompt, api), model: 'asked' }, indent, false)
        const call = { api, path: PATH, inPath: undefined, body }
        expect(retarget(call, undefined, undefined).body).toBe(body)
        const facts = { lacks: new Set<never>(), refuses: ['temperature'] }
        const named = api === 'generate_content' ? undefined : 'asked'
        expect(retarget(call, named, facts).body).toBe(body)
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    const apis: readonly Api[] = [...APIS, 'completions', 'embeddings', 'count_tokens', 'embed_content']
    const facts = {
      lacks: new Set<never>(),
      refuses: [...FIELDS, 'role:system', 'max_tokens', 'a.b'],
      maxOutputTokens: 1,
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...apis),
        fc.constantFrom('', '{', '{"model":', '{"messages":[{"role":', '{"requests":[{"model":', '{"a":{"b":'),
        fc.uint8Array({ maxLength: 60 }),
        (api, start, noise) => {
          const body = Buffer.concat([Buffer.from(start), noise])
          expect(() => retarget({ api, path: PATH, inPath, body }, 'm', facts)).not.toThrow()
        },
      ),
    )
  })
})
