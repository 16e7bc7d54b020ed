import { describe, expect, it } from 'vitest'
import { hasCode } from '../../src/dialects/has-code.ts'
import { promptFacts } from '../../src/dialects/prompt-facts.ts'
import type { Api } from '../../src/domain/request.ts'
import type { PromptFacts } from '../../src/domain/routing/facts.ts'
import texts from '../fixtures/texts-by-script.json' with { type: 'json' }

const ALL = { text: true, inputTokens: true, turn: true, needs: true, conversation: true }
const NONE = { text: false, inputTokens: false, turn: false, needs: false, conversation: false }

function read(api: Api, body: unknown): PromptFacts {
  return promptFacts(api, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), ALL)
}

function user(...contents: readonly unknown[]): object {
  return { messages: contents.map((content) => ({ role: 'user', content })) }
}

describe('the text of the last user turn', () => {
  it.each([
    ['<system-reminder>\nBe brief.\n</system-reminder>\n\nWhat is new?', 'What is new?'],
    ['What is new?\n<system-reminder>Be brief.</system-reminder>\n', 'What is new?'],
    ['<system-reminder>a</system-reminder> <system-reminder>b</system-reminder>What?', 'What?'],
    ['before <system-reminder>a</system-reminder>after', 'before after'],
    ['What is <system-reminder>?', 'What is '],
    ['no reminder at all', 'no reminder at all'],
  ])('leaves reminder blocks out: %j', (said, expected) => {
    expect(read('messages', user(said)).lastUserText).toBe(expected)
    // As Go writes it.
    const escaped = JSON.stringify(user(said)).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e')
    expect(read('messages', escaped).lastUserText).toBe(expected)
  })

  it('is not what reminders or tool results bring, which are no turn', () => {
    const facts = read('messages', {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Fix the bug.' }] },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'read', input: {} }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'file' }] },
            { type: 'text', text: '<system-reminder>Mind the todo list.</system-reminder>' },
          ],
        },
      ],
    })
    expect(facts).toMatchObject({ lastUserText: 'Fix the bug.', turn: 1 })
  })

  it('is the beginning and the end of a long one, however its characters are cut', () => {
    for (const piece of ['é', '日本語', '\u{1f600}', '\\', '"', '\n', 'a\\"b', 'ab\u0007c']) {
      for (let shift = 0; shift < 12; shift++) {
        const said = `start ${'x'.repeat(shift)}${piece.repeat(4_000)}${'y'.repeat(shift)} end`
        const facts = read('chat_completions', user(said))
        const [head = '', tail = ''] = cutInTwo(facts.lastUserText)
        expect(said.startsWith(head)).toBe(true)
        expect(said.endsWith(tail)).toBe(true)
        expect(Buffer.byteLength(JSON.stringify(facts.lastUserText))).toBeLessThanOrEqual(4_200)
        expect(Buffer.byteLength(JSON.stringify(facts.lastUserText))).toBeGreaterThan(4_000)
      }
    }
  })
})

/** Around the newline that joins the two halves: the one after which the text's end begins anew. */
function cutInTwo(text: string): readonly string[] {
  const middle = Math.floor(text.length / 2)
  for (let by = 0; by < 40; by++) {
    for (const at of [middle - by, middle + by]) {
      if (text[at] === '\n' && text[at - 1] !== '\n') return [text.slice(0, at), text.slice(at + 1)]
    }
  }
  return [text.slice(0, middle), text.slice(middle + 1)]
}

describe('what a provider keeps for its client', () => {
  const cases: readonly (readonly [Api, object, boolean])[] = [
    ['chat_completions', user('hi'), false],
    ['chat_completions', user([{ type: 'file', file: { file_id: 'file-1' } }]), true],
    ['chat_completions', user([{ type: 'file', file: { file_data: 'data:', filename: 'file_id' } }]), false],
    ['chat_completions', user('{"file_id":"file-1"}'), false],
    ['responses', { input: 'hi', conversation: null, prompt: null, background: false }, false],
    ['responses', { input: 'hi', conversation: { id: 'conv_1' } }, true],
    ['responses', { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }] }, true],
    ['responses', { input: 'hi', tools: [{ type: 'function', name: 'vector_store_ids' }] }, false],
    ['messages', { ...user('hi'), container: 'container_1' }, true],
    ['messages', user([{ type: 'document', source: { type: 'file', file_id: 'file_1' } }]), true],
    ['messages', user([{ type: 'image', source: { type: 'base64', data: 'aGk=' } }]), false],
    ['messages', user([{ type: 'tool_result', content: [{ type: 'image', source: { file_id: 'file_1' } }] }]), true],
    ['generate_content', { contents: [], cachedContent: 'cachedContents/1' }, true],
    [
      'generate_content',
      {
        contents: [{ parts: [{ fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1' } }] }],
      },
      true,
    ],
    ['generate_content', { contents: [{ parts: [{ fileData: { fileUri: 'https://youtu.be/1' } }] }] }, false],
  ]
  it.each(cases)('%s %j: %j', (api, body, namesStored) => {
    expect(read(api, body).namesStored).toBe(namesStored)
  })
})

describe('what a request needs', () => {
  const cases: readonly (readonly [Api, object, readonly string[]])[] = [
    ['chat_completions', user('hi'), []],
    ['chat_completions', { functions: [{ name: 'f' }] }, ['tools']],
    ['chat_completions', { tools: [] }, []],
    ['chat_completions', { tools: null, response_format: null }, []],
    ['chat_completions', { functions: [], web_search_options: null }, []],
    ['chat_completions', { ...user([{ type: 'input_audio', input_audio: {} }]) }, ['audio']],
    ['chat_completions', { modalities: ['text', 'audio'], audio: { voice: 'alloy' } }, ['audio']],
    ['chat_completions', user([{ type: 'text', text: '{"type":"image_url"}' }]), []],
    ['chat_completions', { messages: [{ role: 'tool', content: [{ type: 'image_url', image_url: {} }] }] }, ['images']],
    ['responses', { tools: [{ type: 'mcp' }, { type: 'custom', name: 'f' }] }, ['tools', 'hosted_tools']],
    ['responses', { tools: [{ type: 'computer_use_preview' }] }, ['tools']],
    ['responses', { input: 'hi', reasoning: { effort: 'medium' } }, ['reasoning']],
    ['responses', { input: 'hi', reasoning: { effort: 'none' } }, []],
    ['responses', { text: { verbosity: 'low' } }, []],
    ['messages', { tools: [{ type: 'bash_20250124', name: 'bash' }] }, ['tools']],
    ['messages', { tools: [{ type: 'code_execution_20250825' }], mcp_servers: [{}] }, ['hosted_tools']],
    ['messages', { thinking: { type: 'adaptive' } }, ['reasoning']],
    ['messages', { output_format: { type: 'json_schema', schema: {} } }, ['json_schema']],
    ['messages', user([{ type: 'tool_result', content: [{ type: 'image', source: {} }] }]), ['images']],
    ['count_tokens', { tools: [{ name: 'f', input_schema: {} }] }, ['tools']],
    ['count_tokens', { generateContentRequest: { tools: [{ codeExecution: {} }] } }, ['hosted_tools']],
    ['generate_content', { tools: [{ function_declarations: [] }, { urlContext: {} }] }, ['tools', 'hosted_tools']],
    ['generate_content', { generationConfig: { thinkingConfig: { thinkingLevel: 'HIGH' } } }, ['reasoning']],
    ['generate_content', { generationConfig: { thinkingConfig: { thinkingBudget: -1 } } }, []],
    ['generate_content', { generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }, ['images']],
    ['generate_content', { contents: { parts: [{ fileData: { fileUri: 'video' } }] } }, ['files']],
    ['embeddings', { input: ['a', 'b'] }, []],
  ]
  it.each(cases)('%s %j: %j', (api, body, needs) => {
    expect(read(api, body).needs).toEqual(needs)
  })
})

describe('how many tokens go in', () => {
  it('counts numbers where tokens are given in place of text', () => {
    expect(
      read('embeddings', {
        input: [
          [1, 2, 3],
          [4, 5],
        ],
      }).inputTokens,
    ).toBe(5)
    expect(read('completions', { prompt: [1, 2, 3, 4] }).inputTokens).toBe(4)
  })

  it('counts every text to embed, and every request of a batch', () => {
    const one = read('embeddings', { input: texts.english }).inputTokens
    expect(read('embeddings', { input: [texts.english, texts.english] }).inputTokens / one).toBeCloseTo(2, 0)
    const content = { parts: [{ text: texts.english }] }
    const alone = read('embed_content', { content }).inputTokens
    expect(read('embed_content', { requests: [{ content }, { content }] }).inputTokens / alone).toBeCloseTo(2, 0)
  })

  it('counts an image as its provider does, not as its base64', () => {
    const url = `data:image/png;base64,${'A'.repeat(400_000)}`
    const high = read('chat_completions', user([{ type: 'image_url', image_url: { url } }])).inputTokens
    const low = read('chat_completions', user([{ type: 'image_url', image_url: { url, detail: 'low' } }])).inputTokens
    expect([high, low]).toEqual([769, 89])
  })

  it('counts system, tools and results besides what the user says', () => {
    const bare = read('messages', user('hi')).inputTokens
    const tool = { name: 'f', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }
    expect(read('messages', { ...user('hi'), system: texts.english }).inputTokens).toBeGreaterThan(bare + 50)
    expect(read('messages', { ...user('hi'), tools: [tool] }).inputTokens).toBeGreaterThan(bare + 346)
    const result = [{ type: 'tool_result', tool_use_id: 't', content: texts.english }]
    expect(read('messages', user('hi', result)).inputTokens).toBeGreaterThan(bare + 50)
  })
})

describe('promptFacts', () => {
  it('reads nothing that is not wanted', () => {
    const body = Buffer.from(JSON.stringify({ ...user('hi'), tools: [{ type: 'function' }], max_tokens: 5 }))
    expect(promptFacts('chat_completions', body, NONE)).toEqual({
      lastUserText: '',
      inputTokens: 0,
      maxOutputTokens: 5,
      turn: 0,
      needs: [],
      hasCode: false,
      conversationHash: undefined,
      namesStored: false,
    })
  })

  it.each(['', 'null', '[]', '{', '{"messages":[', '{"messages":[{"role":"user","content":"hi"}]', '\u0000'])(
    'shows nothing of what is not JSON: %j',
    (text) => {
      expect(read('chat_completions', text)).toMatchObject({ turn: 0, inputTokens: 0, conversationHash: undefined })
    },
  )

  it('shows nothing of a body of more values than a prompt has, rather than walking them all', () => {
    const said = { role: 'user', content: 'hi' }
    const many = (count: number): string => `{"messages":[${'{},'.repeat(count)}${JSON.stringify(said)}]}`
    expect(read('chat_completions', many(50_000)).turn).toBe(1)
    expect(read('chat_completions', many(200_000))).toMatchObject({ turn: 0, lastUserText: '' })
  })

  it.each(['1e999', '-5', '1.5', '"12"', 'null', '99999999999999999999999', '[1]'])(
    'takes no limit that is no count: %s',
    (limit) => {
      expect(read('chat_completions', `{"max_tokens":${limit}}`).maxOutputTokens).toBeUndefined()
    },
  )

  it('counts messages of the user with no answer between them as one turn', () => {
    const said = ['user', 'user', 'assistant', 'user', 'tool', 'user'].map((role) => ({ role, content: role }))
    expect(read('chat_completions', { messages: said })).toMatchObject({ turn: 3, lastUserText: 'user' })
  })
})

describe('hasCode', () => {
  it.each(Object.entries(texts))('tells code and data from prose: %s', (name, text) => {
    expect(hasCode(text)).toBe(['typescript', 'python', 'json'].includes(name))
  })

  it('takes a fence for code', () => {
    expect(hasCode('Why does this fail?\n```\nls\n```')).toBe(true)
  })
})
