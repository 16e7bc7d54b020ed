import { describe, expect, it } from 'vitest'
import { parseJsonPath } from '../../src/domain/redaction/json-path.ts'
import { BUILT_IN_RULES, createRedactor } from '../../src/domain/redaction/redactor.ts'

const redactor = createRedactor({ builtIn: BUILT_IN_RULES, patterns: [], paths: [] })
const redact = (text: string): string => redactor.text(text, new Map())

/** Redacts JSON by these paths alone. */
function byPaths(value: unknown, ...sources: readonly string[]): unknown {
  const paths = sources.map((source) => parseJsonPath(source) ?? { source, steps: [] })
  return createRedactor({ builtIn: [], patterns: [], paths }).json(value, new Map())
}

it.each([
  ['mail jo.doe+x@example.co.uk now', 'mail [redacted:email] now'],
  ['mail jo\\u0040example.com or jo%40example.com', 'mail [redacted:email] or [redacted:email]'],
  ['4111 1111 1111 1111 exp 12/28', '[redacted:card] exp 12/28'],
  ['4111-1111-1111-1112', '4111-1111-1111-1112'],
  ['DE89 3704 0044 0532 0130 00', '[redacted:iban]'],
  ['GB82 WEST 1234 5698 7654 32', '[redacted:iban]'],
  ['GB83 WEST 1234 5698 7654 32', 'GB83 WEST 1234 5698 7654 32'],
  ['call +49 (0)30 1234567 today', 'call [redacted:phone] today'],
  ['call (212) 555-0123', 'call [redacted:phone]'],
  ['Bearer abcdefghijklmno1', 'Bearer [redacted:bearer]'],
  ['https://bob:hunter2@host/x', 'https://bob:[redacted:secret]@host/x'],
  ['{"api_key": "0123456789abcdef0123"}', '{"api_key": "[redacted:secret]"}'],
  ['-----BEGIN PRIVATE KEY-----\nMIIEvQ', '[redacted:private_key]'],
])('%s becomes %s', (text, kept) => {
  expect(redact(text)).toBe(kept)
})

it('counts what it takes out by kind', () => {
  const counts = new Map<string, number>()
  redactor.text('a@b.de, c@d.de, 4111111111111111', counts)
  expect(Object.fromEntries(counts)).toEqual({ email: 2, card: 1 })
})

it('takes out members with the name of a secret, numbers that are cards, and bytes that nobody can search', () => {
  const kept = redactor.json(
    { password: 'a', n: 4111111111111111, url: `data:image/png;base64,${'QUJD'.repeat(500)}` },
    new Map(),
  )
  expect(kept).toEqual({ password: '[redacted:secret]', n: '[redacted:card]', url: '[redacted:media]' })
})

it('takes the names of members apart too, and survives those of prototypes', () => {
  const value: unknown = JSON.parse('{"__proto__": {"a@b.de": 1}, "constructor": "x"}')
  expect(JSON.stringify(redactor.json(value, new Map()))).toBe('{"__proto__":{"[redacted:email]":1},"constructor":"x"}')
})

describe('JSON paths', () => {
  const value = {
    user: { name: 'Jo', ids: [1, 2] },
    list: [{ name: 'A', b: 1 }, { name: 'B' }],
    text: '{"name":"C","d":{"name":"D"}}',
  }
  it.each([
    ['$.user.name', { ...value, user: { name: '[redacted:json_path]', ids: [1, 2] } }],
    ["$['user']['ids'][1]", { ...value, user: { name: 'Jo', ids: [1, '[redacted:json_path]'] } }],
    ['$.list[*].name', { ...value, list: [{ name: '[redacted:json_path]', b: 1 }, { name: '[redacted:json_path]' }] }],
    ['$.list', { ...value, list: '[redacted:json_path]' }],
  ])('%s takes out what it leads to and nothing else', (source, kept) => {
    expect(byPaths(value, source)).toEqual(kept)
  })

  it('of any depth lead into JSON that stands in a text', () => {
    expect(JSON.stringify(byPaths(value, '$..name'))).not.toMatch(/Jo|"A"|"B"|C|D/)
  })

  it.each([
    '',
    '$',
    'user.name',
    '$.',
    '$.a[1:2]',
    '$.a[?@.b]',
    '$.a[-1]',
    '$.a b',
    '$..',
    '$[a]',
    `$${'.a'.repeat(17)}`,
  ])('are refused where they say more than names, indexes and wildcards: %s', (source) => {
    expect(parseJsonPath(source)).toBeUndefined()
  })
})

describe('hostile text', () => {
  const size = 1_000_000
  const ofSize = (piece: string): string => piece.repeat(Math.ceil(size / piece.length)).slice(0, size)
  const plain = ofSize('The quick brown fox jumps over the lazy dog. ')
  const timeOf = (text: string): number => {
    const start = performance.now()
    redact(text)
    return performance.now() - start
  }
  timeOf(plain)

  it.each([
    '1',
    '4',
    '4 ',
    '4-',
    '+1',
    '+1 ',
    '00',
    'a',
    'a@',
    '@',
    'a.',
    'eyJ',
    'eyJ.',
    'sk-',
    'sk-a.',
    'SG.a',
    'SG.',
    'DE44',
    'DE44 ',
    '://a:',
    '://',
    'bearer ',
    'api_key=',
    'api_key"',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    '\\',
    '\\u0040',
    '%40',
    '%4',
    '"',
    '[',
    '-',
    'AKIA',
    '4111111111111111 ',
    'a@b.cc ',
    'a@b.',
    'é@é.',
    '(212) 555-',
    '12345678:',
  ])('a megabyte of %j takes time that grows with the text alone', (piece) => {
    // Each is compared with half of it: twice the text must not take four times the time. Two seconds are free.
    const [half, whole] = [timeOf(ofSize(piece).slice(0, size / 2)), timeOf(ofSize(piece))]
    expect(whole).toBeLessThan(Math.max(2_000, 4 * half))
    expect(whole).toBeLessThan(8_000)
  })

  it('nests no deeper than it is followed', () => {
    const value: unknown = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000))
    expect(JSON.stringify(redactor.json(value, new Map()))).toContain('[redacted:too_deep]')
  })
})
