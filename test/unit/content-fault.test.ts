import { describe, expect, it } from 'vitest'
import { answerContentOf } from '../../src/dialects/answer-content.ts'
import { contentFault } from '../../src/dialects/content-fault.ts'

describe('contentFault', () => {
  const cases: readonly (readonly [string, object, boolean, string | undefined])[] = [
    ['text', { content: 'Hi' }, false, undefined],
    ['JSON', { content: ' {"a":1}\n' }, true, undefined],
    ['prose where JSON was asked for', { content: 'Sure! {"a":1}' }, true, 'invalid_json'],
    ['a fence around JSON', { content: '```json\n{}\n```' }, true, 'invalid_json'],
    ['half of it', { content: '{"a":' }, true, 'invalid_json'],
    ['nothing where JSON was asked for', { content: '' }, true, 'invalid_json'],
    ['nothing where text was asked for', { content: '' }, false, undefined],
    [
      'a call of a tool',
      { content: null, tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      true,
      undefined,
    ],
    ['a refusal', { content: null, refusal: 'I cannot help with that.' }, true, 'refusal'],
  ]
  it.each(cases)('%s', (_, message, asksForJson, fault) => {
    const answer = {
      id: 'x',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
    }
    const content = answerContentOf('chat_completions', Buffer.from(JSON.stringify(answer)))
    expect(content && contentFault(content, asksForJson)).toBe(fault)
  })
})
