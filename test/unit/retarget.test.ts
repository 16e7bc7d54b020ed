import { describe, expect, it } from 'vitest'
import { retarget } from '../../src/dialects/retarget.ts'
import { retargetPath } from '../../src/dialects/retarget-path.ts'
import type { Api } from '../../src/domain/request.ts'
import type { ModelFacts } from '../../src/domain/routing/route.ts'

function done(api: Api, body: string, model?: string, facts?: Partial<ModelFacts>): [string, readonly string[]] {
  const known = facts === undefined ? undefined : { lacks: new Set<never>(), refuses: [], ...facts }
  const isInPath = api === 'generate_content' || api === 'embed_content'
  const inPath = isInPath ? { model: 'asked', isStream: false } : undefined
  const result = retarget({ api, path: '/', inPath, body: Buffer.from(body) }, model, known)
  return [result.body.toString(), result.adaptations]
}

describe('the model in a body', () => {
  it.each([
    ['{"model":"a","x":1}', '{"model":"b","x":1}'],
    ['{ "x" : 1 , "model" : "a" }', '{ "x" : 1 , "model" : "b" }'],
    ['{"model":"a","x":{"model":"a"},"model":"c"}', '{"model":"b","x":{"model":"a"},"model":"b"}'],
    ['{"mod\\u0065l":"a"}', '{"mod\\u0065l":"b"}'],
    ['{"model":"\\u0062"}', '{"model":"\\u0062"}'],
    ['{"model":null}', '{"model":"b"}'],
    ['{"messages":[]}', '{"model":"b","messages":[]}'],
    [' {} ', ' {"model":"b"} '],
    ['[]', '[]'],
    ['not json', 'not json'],
  ])('%s becomes %s', (body, expected) => {
    expect(done('chat_completions', body, 'b')).toEqual([expected, []])
  })

  it('is named wherever Gemini names it again, and not added to a path that does', () => {
    expect(done('generate_content', '{"contents":[]}', 'b')).toEqual(['{"contents":[]}', []])
    expect(done('embed_content', '{"requests":[{"model":"models/a"},{"x":1}]}', 'b')[0]).toBe(
      '{"requests":[{"model":"models/b"},{"x":1}]}',
    )
  })
})

describe('the model in a path', () => {
  const gemini = { model: 'gemini-2.5-flash', isStream: false }
  it.each([
    ['/v1beta/models/gemini-2.5-flash:generateContent?alt=sse', 'g3', '/v1beta/models/g3:generateContent?alt=sse'],
    ['/v1beta/models/gemini-2.5-flash%3AstreamGenerateContent', 'g3', '/v1beta/models/g3%3AstreamGenerateContent'],
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'tunedModels/t', '/v1beta/tunedModels/t:generateContent'],
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'a b/c', '/v1beta/models/a%20b%2Fc:generateContent'],
    ['/v1beta/models/other:generateContent', 'g3', '/v1beta/models/other:generateContent'],
  ])('%s → %s', (path, model, expected) => {
    expect(retargetPath(path, gemini, model)).toBe(expected)
  })

  it('of a tuned model goes back to the common ones', () => {
    const tuned = { model: 'tunedModels/mine', isStream: false }
    expect(retargetPath('/v1beta/tunedModels/mine:generateContent', tuned, 'g3')).toBe(
      '/v1beta/models/g3:generateContent',
    )
  })

  it('is the deployment of an Azure path, names with dots and colons included', () => {
    const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01'
    expect(retargetPath(path, { model: 'gpt-4o', isStream: undefined }, 'gpt-5.1')).toBe(
      '/openai/deployments/gpt-5.1/chat/completions?api-version=2025-01-01',
    )
    expect(retargetPath('/m/m/m?m', { model: 'm', isStream: undefined }, 'n')).toBe('/m/m/n?m')
    expect(retargetPath('/d/ft:gpt-4o/x', { model: 'ft:gpt-4o', isStream: undefined }, 'm')).toBe('/d/m/x')
  })

  it('is left alone where the path names none', () => {
    expect(retargetPath('/v1/chat/completions', undefined, 'm')).toBe('/v1/chat/completions')
  })
})

describe('what a model refuses', () => {
  const cases: readonly (readonly [string, Api, string, Partial<ModelFacts>, string, readonly string[]])[] = [
    [
      'a limit above its own',
      'chat_completions',
      '{"max_tokens":32000}',
      { maxOutputTokens: 16384 },
      '{"max_tokens":16384}',
      ['max_tokens_clamped:16384'],
    ],
    [
      'a limit in Gemini',
      'generate_content',
      '{"generationConfig":{"maxOutputTokens":9,"topK":1}}',
      { maxOutputTokens: 8 },
      '{"generationConfig":{"maxOutputTokens":8,"topK":1}}',
      ['max_tokens_clamped:8'],
    ],
    ['no limit below its own', 'messages', '{"max_tokens":8}', { maxOutputTokens: 8 }, '{"max_tokens":8}', []],
    ['no limit that is none', 'messages', '{"max_tokens":"9"}', { maxOutputTokens: 8 }, '{"max_tokens":"9"}', []],
    [
      'a thinking budget above the clamped limit',
      'messages',
      '{"max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":32000}}',
      { maxOutputTokens: 8192 },
      '{"max_tokens":8192,"thinking":{"type":"enabled","budget_tokens":8191}}',
      ['max_tokens_clamped:8192', 'thinking_budget_clamped:8191'],
    ],
    [
      'the old name of the limit',
      'chat_completions',
      '{"max_tokens" : 5}',
      { refuses: ['max_tokens'] },
      '{"max_completion_tokens" : 5}',
      ['renamed:max_tokens'],
    ],
    [
      'the old name beside the new one',
      'chat_completions',
      '{"max_tokens":5,"max_completion_tokens":6}',
      { refuses: ['max_tokens'] },
      '{"max_completion_tokens":6}',
      ['dropped:max_tokens'],
    ],
    [
      'no limit that another API needs',
      'messages',
      '{"max_tokens":5}',
      { refuses: ['max_tokens'] },
      '{"max_tokens":5}',
      [],
    ],
    [
      'a renamed limit above its own',
      'chat_completions',
      '{"max_tokens":50}',
      { refuses: ['max_tokens'], maxOutputTokens: 9 },
      '{"max_completion_tokens":9}',
      ['renamed:max_tokens', 'max_tokens_clamped:9'],
    ],
    [
      'fields, with what is useless without them',
      'chat_completions',
      '{"temperature":1,"logprobs":true,"n":1,"top_logprobs":3}',
      { refuses: ['temperature', 'logprobs'] },
      '{"n":1}',
      ['dropped:temperature', 'dropped:logprobs'],
    ],
    [
      'the effort of Responses',
      'responses',
      '{"reasoning":{"effort":"none"},"input":"x"}',
      { refuses: ['reasoning_effort'] },
      '{"input":"x"}',
      ['dropped:reasoning_effort'],
    ],
    [
      'one of several wishes',
      'messages',
      '{"output_config":{"effort":"low","format":{}}}',
      { refuses: ['output_config.effort', 'reasoning_effort'] },
      '{"output_config":{"format":{}}}',
      ['dropped:output_config.effort'],
    ],
    [
      'Gemini fields in either spelling',
      'generate_content',
      '{"generation_config":{"thinking_config":{},"top_p":1}}',
      { refuses: ['reasoning_effort', 'thinking'] },
      '{"generation_config":{"top_p":1}}',
      ['dropped:reasoning_effort'],
    ],
    [
      'what is inside something that it refuses too',
      'chat_completions',
      '{"a":{"b":1,"c":2},"d":3}',
      { refuses: ['a.b', 'a'] },
      '{"d":3}',
      ['dropped:a.b', 'dropped:a'],
    ],
    [
      'a thinking budget where the model judges for itself',
      'messages',
      '{"max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":32000}}',
      { refuses: ['thinking:enabled'], maxOutputTokens: 8192 },
      '{"max_tokens":8192,"thinking":{"type":"adaptive"}}',
      ['thinking:adaptive', 'max_tokens_clamped:8192'],
    ],
    [
      'adaptive thinking where there is none',
      'messages',
      '{"thinking":{"type":"adaptive"},"max_tokens":5}',
      { refuses: ['thinking:adaptive'] },
      '{"max_tokens":5}',
      ['dropped:thinking'],
    ],
    [
      'thinking of the kind it takes',
      'messages',
      '{"thinking":{"type":"disabled"}}',
      { refuses: ['thinking:adaptive', 'thinking:enabled'] },
      '{"thinking":{"type":"disabled"}}',
      [],
    ],
    [
      'a limit inside something that it refuses',
      'generate_content',
      '{"generationConfig":{"maxOutputTokens":9},"contents":[]}',
      { refuses: ['generationConfig'], maxOutputTokens: 8 },
      '{"contents":[]}',
      ['dropped:generationConfig'],
    ],
    [
      'thinking of every kind',
      'messages',
      '{"thinking":{"type":"enabled","budget_tokens":2000},"max_tokens":5}',
      { refuses: ['thinking:enabled', 'thinking'] },
      '{"max_tokens":5}',
      ['thinking:adaptive', 'dropped:thinking'],
    ],
    [
      'the role of developer',
      'chat_completions',
      '{"messages":[{"role":"developer","content":"role: \\"developer\\""},{"role":"user","content":"developer"}]}',
      { refuses: ['role:developer'] },
      '{"messages":[{"role":"system","content":"role: \\"developer\\""},{"role":"user","content":"developer"}]}',
      ['role:developer'],
    ],
  ]
  it.each(cases)('%s', (_, api, body, facts, expected, adaptations) => {
    expect(done(api, body, undefined, facts)).toEqual([expected, adaptations])
  })
})
