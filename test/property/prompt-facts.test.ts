import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { promptContentOf } from '../../src/dialects/prompt-content.ts'
import { promptFacts } from '../../src/dialects/prompt-facts.ts'
import type { Api } from '../../src/domain/request.ts'
import { type AnyPrompt, anyPrompt, bodyOf, neededBy, type PromptApi } from '../fakes/any-prompt.ts'

const ALL = { text: true, inputTokens: true, turn: true, needs: true, conversation: true }
const APIS: readonly PromptApi[] = ['chat_completions', 'responses', 'messages', 'generate_content']
const EVERY_API: readonly Api[] = [...APIS, 'completions', 'embeddings', 'count_tokens', 'embed_content', 'passthrough']

/** `value` as JSON in one of the ways that clients write it. */
const spelling = fc.record({
  indent: fc.constantFrom(undefined, 2, '\t'),
  isAscii: fc.boolean(),
  doubled: fc.boolean(),
})

function written(
  body: Readonly<Record<string, unknown>>,
  how: { indent: string | number | undefined; isAscii: boolean; doubled: boolean },
): Buffer {
  const json = JSON.stringify(body, undefined, how.indent)
  // Members that come again later, as a client may send them: the later ones count.
  const first = `{"messages":[{"role":"user","content":[{"type":"image_url"}]}],"tools":[{"type":"function"}],"input":"x","contents":"y"`
  const text = how.doubled ? `${first},${json.slice(json.indexOf('{') + 1)}` : json
  return Buffer.from(
    how.isAscii
      ? text.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : text,
  )
}

/** Turns of the user, each the texts said before an answer came. */
function turnsOf(prompt: AnyPrompt): readonly (readonly string[])[] {
  const turns: string[][] = []
  let isUserSpeaking = false
  for (const { who, text } of prompt.sayings) {
    if (who === 'user' && isUserSpeaking) turns.at(-1)?.push(text)
    else if (who === 'user') turns.push([text])
    isUserSpeaking = who === 'user'
  }
  return turns
}

/** White space around what is said goes with the reminders that may stand there. */
function words(text: string): readonly string[] {
  return text.toWellFormed().trim().split(/\s+/)
}

describe('promptFacts', () => {
  it.each(APIS)('reads from a request of %s what its writer meant, however it is spelled', (api) => {
    fc.assert(
      fc.property(anyPrompt, spelling, (prompt, how) => {
        // Anthropic and Gemini send tool results as the user, and those end no turn of the user's.
        const isToolUser = api === 'messages' || api === 'generate_content'
        const read = isToolUser ? { ...prompt, sayings: prompt.sayings.filter(({ who }) => who !== 'tool') } : prompt
        const body = bodyOf(prompt, api)
        const doubled = how.doubled && (body['tools'] !== undefined || prompt.tools)
        const facts = promptFacts(api, written(body, { ...how, doubled }), ALL)
        const turns = turnsOf(read)
        expect(facts.turn).toBe(turns.length)
        expect(words(facts.lastUserText)).toEqual(words((turns.at(-1) ?? []).join('\n')))
        expect(facts.needs).toEqual(neededBy(prompt, api))
        expect(facts.maxOutputTokens).toBe(prompt.maxOutputTokens)
        expect(facts.inputTokens).toBeGreaterThanOrEqual(prompt.sayings.length)
      }),
      { numRuns: 300 },
    )
  })

  it.each(APIS)('agrees with the reading of the whole of a request of %s, where both say something', (api) => {
    fc.assert(
      fc.property(anyPrompt, (prompt) => {
        const bytes = Buffer.from(JSON.stringify(bodyOf(prompt, api)))
        const { needs } = promptFacts(api, bytes, ALL)
        const whole = promptContentOf(api, bytes)
        expect(whole).toMatchObject({
          hasImages: needs.includes('images'),
          hasFiles: needs.includes('files'),
          hasHostedTools: needs.includes('hosted_tools'),
        })
        expect(whole?.format.kind !== 'text').toBe(needs.includes('json') || needs.includes('json_schema'))
        expect((whole?.tools.length ?? 0) > 0).toBe(needs.includes('tools'))
      }),
    )
  })

  it('never throws and keeps its text within bounds, whatever the bytes', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          ',',
          ':',
          '"',
          '\\',
          '\\u',
          '\\ud83d',
          '"messages":',
          '"role":"user"',
          '"content":',
          '"parts":',
          '"input":',
          '"contents":',
          '"text":',
          '"type":"image_url"',
          '"tools":',
          '"generationConfig":',
          '"system":',
          '"max_tokens":',
          '1e999',
          '-0',
          'null',
          '<system-reminder>',
          '</system-reminder>',
          ' ',
        ),
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.string({ minLength: 5_000, maxLength: 6_000 }),
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...EVERY_API), pieces, fc.uint8Array({ maxLength: 100 }), (api, parts, noise) => {
        const facts = promptFacts(api, Buffer.concat([Buffer.from(`{${parts.join('')}`), noise]), ALL)
        expect(Buffer.byteLength(facts.lastUserText)).toBeLessThanOrEqual(4 * 4096)
        expect(Number.isFinite(facts.inputTokens)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('does not use the stack for depth', () => {
    for (const open of ['[', '{"content":[', '{"parts":[', '{"type":"tool_result","content":[']) {
      for (const key of ['messages', 'contents', 'tools', 'system', 'input', 'prompt']) {
        for (const api of EVERY_API) {
          expect(() => promptFacts(api, Buffer.from(`{"${key}":[${open.repeat(50_000)}`), ALL)).not.toThrow()
        }
      }
    }
  })

  it('gives a conversation the same hash at every later turn, and another conversation another', () => {
    fc.assert(
      fc.property(anyPrompt, fc.constantFrom(...APIS), (prompt, api) => {
        const saying = { who: 'user', text: 'first', media: 'none', inParts: true } as const
        const first = { ...prompt, sayings: [saying] }
        const answer = { who: 'assistant', text: 'answer', media: 'none', inParts: false } as const
        const hashOf = (asked: AnyPrompt): string | undefined =>
          promptFacts(api, Buffer.from(JSON.stringify(bodyOf(asked, api))), ALL).conversationHash
        const hash = hashOf(first)
        expect(hash).toMatch(/^[0-9a-f]{16}$/)
        expect(hashOf({ ...first, sayings: [saying, answer, ...prompt.sayings] })).toBe(hash)
        expect(hashOf({ ...first, system: `${first.system}.` })).not.toBe(hash)
        expect(hashOf({ ...first, sayings: [{ ...saying, text: 'other' }] })).not.toBe(hash)
      }),
    )
  })
})
