import { expect, test } from 'vitest'
import { contentModeOf, headAndTail } from '../../src/domain/content.ts'
import { createRedactor } from '../../src/domain/redaction/redactor.ts'
import { configOf, faultsOf, PROVIDERS } from '../fakes/a-config.ts'

const redactorOf = (yaml: string) => createRedactor(contentOf(yaml).rules)
const contentOf = (yaml: string) => configOf(`${PROVIDERS}${yaml}`).policy.content

test('nothing is kept unless the file says so', () => {
  const content = contentOf('')
  expect(content.isOn).toBe(false)
  expect(contentModeOf(content, 'default', 'openai')).toBe('off')
})

test('the mode of a route wins over that of a provider, and that over the default', () => {
  const content = contentOf('content: { mode: hash, providers: { openai: full }, routes: { default: truncated } }')
  expect(contentModeOf(content, 'default', 'openai')).toBe('truncated')
  expect(contentModeOf(content, 'other', 'openai')).toBe('full')
  expect(contentModeOf(content, 'other', 'other')).toBe('hash')
  expect(contentOf('content: { providers: { openai: hash } }').isOn).toBe(true)
})

test('patterns of the operator are found by their names, however many and wherever', () => {
  const redactor = redactorOf("content: { redact: { built_in: [], patterns: { employee: 'E-\\d{6}' } } }")
  const counts = new Map<string, number>()
  const text = 'E-123456 and a few words more of no interest, '.repeat(400)
  expect(redactor.text(text, counts)).toBe('[redacted:employee] and a few words more of no interest, '.repeat(400))
  expect(counts.get('employee')).toBe(400)
})

test('a pattern that matches everywhere takes everything and costs no more', () => {
  const redactor = redactorOf("content: { redact: { built_in: [], patterns: { any: 'a.*b|a' } } }")
  const start = performance.now()
  const kept = redactor.text('a'.repeat(262_144), new Map())
  expect(kept).not.toContain('aa')
  expect(performance.now() - start).toBeLessThan(20_000)
})

test.each([
  ["content: { redact: { patterns: { x: '(a+)+(?=b)' } } }", 'a regular expression'],
  ["content: { redact: { patterns: { x: 'a*' } } }", 'does not match the empty text'],
  ["content: { redact: { patterns: { x: '(a{100}){100}' } } }", 'a regular expression'],
  ["content: { redact: { patterns: { 'X 1]': a } } }", 'which placeholders will show, found "…"'],
  ["content: { redact: { json_paths: ['$.a[?@.b]'] } }", 'a JSONPath of names, indexes and wildcards'],
  ['content: { routes: { nowhere: full } }', 'a route of this file'],
  ['content: { providers: { opnai: full } }', 'Did you mean "openai"'],
  ['content: { mode: all }', 'one of off, hash, truncated, full'],
])('is a fault where it stands: %s', (yaml, expected) => {
  const [fault] = faultsOf(`${PROVIDERS}${yaml}`)
  expect(fault).toContain(expected)
  expect(fault).toMatch(/:\d+:\d+ /)
})

test('what is cut keeps its ends and says how much is missing', () => {
  expect(headAndTail('abcdefghij', 3, 2)).toBe('abc[… 5 characters …]ij')
  expect(headAndTail('abcdefghij', 3, 0)).toBe('abc[… 7 characters …]')
  expect(headAndTail('abcde', 3, 2)).toBe('abcde')
})
