import { expect, test } from 'vitest'
import type { PromptFacts } from '../../src/domain/routing/facts.ts'
import { routerOf } from '../../src/domain/routing/router.ts'
import { aRoutingState } from '../fakes/a-routing.ts'

const prompt = (lastUserText: string, changes: Partial<PromptFacts> = {}): PromptFacts => ({
  lastUserText,
  inputTokens: 100,
  maxOutputTokens: undefined,
  turn: 1,
  needs: [],
  hasCode: false,
  conversationHash: undefined,
  namesStored: false,
  ...changes,
})

const labelOf = (when: string, facts: PromptFacts | undefined): string => {
  const { policy } = aRoutingState(`labels: { task: [{ label: math, when: ${when} }] }\n`)
  return routerOf(policy.routing).labels({ task: undefined }, facts).task
}

test.each<[when: string, taken: PromptFacts, left: PromptFacts]>([
  ['{ keywords: [sum, credit note] }', prompt('A CREDIT NOTE?'), prompt('a credit notebook')],
  ['{ keywords: sum }', prompt('sum'), prompt('summer, assume, sum_of')],
  ['{ keywords: sum }', prompt('assume the sum'), prompt('ésum sumé')],
  ['{ keywords: größe }', prompt('Die GRÖSSE? Nein, die Größe!'), prompt('Großes')],
  ['{ keywords: c++ }', prompt('in c++, please'), prompt('in c+, please')],
  ["{ pattern: '^solve\\b' }", prompt('Solve it'), prompt('please solve it')],
  ['{ input_tokens: { from: 50 } }', prompt(''), prompt('', { inputTokens: 49 })],
  ['{ turn: { below: 2 } }', prompt(''), prompt('', { turn: 2 })],
  ['{ needs: [tools, json] }', prompt('', { needs: ['tools', 'json'] }), prompt('', { needs: ['json'] })],
  ['{ has_code: true }', prompt('', { hasCode: true }), prompt('')],
  ['{ has_code: false, keywords: x }', prompt('x'), prompt('x', { hasCode: true })],
])('a rule of %s holds for what it says and nothing else', (when, taken, left) => {
  expect(labelOf(when, taken)).toBe('math')
  expect(labelOf(when, left)).toBe('unknown')
})

test('a header names the label before any rule, the first rule that holds before the others, and none is unknown', () => {
  const { policy } = aRoutingState(
    `labels:
  task: [{ label: math, when: { keywords: a } }, { label: coding, when: { keywords: [a, b] } }]
  complexity: [{ label: simple, when: { keywords: a } }]
`,
  )
  const { labels } = routerOf(policy.routing)
  expect(labels({ task: 'mine', complexity: 'complex' }, prompt('a'))).toEqual({
    task: 'mine',
    taskSource: 'header',
    complexity: 'complex',
    complexitySource: 'header',
  })
  expect(labels({ task: undefined, complexity: 'hard' }, prompt('a'))).toMatchObject({
    task: 'math',
    taskSource: 'rule',
    complexity: 'simple',
    complexitySource: 'rule',
  })
  expect(labels({ task: undefined }, prompt('b'))).toMatchObject({ task: 'coding', complexitySource: 'none' })
  expect(labels({ task: undefined }, undefined)).toMatchObject({ task: 'unknown', taskSource: 'none' })
})

test('what stands beyond the first 4096 characters is not looked at, so no prompt makes labels slow', () => {
  expect(labelOf('{ keywords: end }', prompt(`${'a '.repeat(2046)}end`))).toBe('math')
  expect(labelOf('{ keywords: end }', prompt(`${'a '.repeat(2050)}end`))).toBe('unknown')
})

test('the router reads of the prompt what the policy needs, and nothing for a route with one target', () => {
  const readsOf = (yaml: string): unknown => routerOf(aRoutingState(yaml).policy.routing).reads
  const nothing = { text: false, inputTokens: false, turn: false, needs: false, conversation: false }
  expect(readsOf('routes: { chat: openai/a }\n')).toBeUndefined()
  expect(readsOf('aliases: { a: b }\n')).toBeUndefined()
  expect(readsOf('routes: { chat: { target: openai/a, fallbacks: openai/b } }\n')).toEqual({
    ...nothing,
    inputTokens: true,
    needs: true,
  })
  expect(readsOf('routes: { chat: { match: { turn: { from: 2 } }, target: openai/a } }\n')).toEqual({
    ...nothing,
    turn: true,
  })
  expect(readsOf('routes: { chat: { strategy: balance, targets: openai/a } }\n')).toEqual({
    ...nothing,
    conversation: true,
  })
  expect(readsOf('labels: { task: [{ label: math, when: { keywords: a } }] }\n')).toEqual({ ...nothing, text: true })
})
