import { describe, expect, it } from 'vitest'
import type { JsonRecord } from '../../src/dialects/json-value.ts'
import { createCheckSchema } from '../../src/evaluate/schema-check.ts'

const check = createCheckSchema()

/** A check under a stop-watch; the limit is far above what it takes and far below what no limit would take. */
function timed(schema: JsonRecord, value: unknown) {
  const startedMs = performance.now()
  const verdict = check(schema, value)
  return { verdict, isSlow: performance.now() - startedMs > 5_000 }
}

function parsed(json: string): JsonRecord {
  const value: unknown = JSON.parse(json)
  return Object.fromEntries(Object.entries(value ?? {}))
}

describe('a schema that means well', () => {
  it('holds for what follows it and names its own part that is broken', () => {
    const schema = { type: 'object', properties: { tags: { type: 'array', items: { enum: ['a', 'b'] } } } }
    expect(check(schema, { tags: ['a'] })).toEqual({ kind: 'valid' })
    expect(check(schema, { tags: ['c'] })).toEqual({ kind: 'invalid', where: '#/properties/tags/items/enum' })
  })

  it('is read as draft 2020-12, or as draft-07 where it says so', () => {
    const pair = { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false }
    expect(check(pair, ['a', 1])).toEqual({ kind: 'valid' })
    expect(check(pair, ['a', 1, 2])).toMatchObject({ kind: 'invalid' })
    const modern = { type: 'array', prefixItems: [{ type: 'string' }], items: false }
    expect(check(modern, ['a'])).toEqual({ kind: 'valid' })
    expect(check(modern, ['a', 1])).toMatchObject({ kind: 'invalid' })
    const named = { $schema: 'http://json-schema.org/draft-07/schema#', definitions: { a: { const: 1 } } }
    expect(check({ ...named, $ref: '#/definitions/a' }, 2)).toMatchObject({ kind: 'invalid' })
  })

  it('may be written as Gemini has it, in capitals and with nullable', () => {
    const schema = { type: 'OBJECT', properties: { n: { type: 'INTEGER', nullable: true } }, propertyOrdering: ['n'] }
    expect(check(schema, { n: null })).toEqual({ kind: 'valid' })
    expect(check(schema, { n: 'x' })).toMatchObject({ kind: 'invalid' })
  })

  it('may describe trees by referring to itself, with an $id of its own', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, additionalProperties: false }
    const schema = { $id: 'https://example.org/node', $ref: '#/$defs/node', $defs: { node } }
    for (let time = 0; time < 3; time++) {
      expect(check({ ...schema, title: String(time) }, { next: { next: {} } })).toEqual({ kind: 'valid' })
      expect(check({ ...schema, title: String(time) }, { next: { x: 1 } })).toMatchObject({ kind: 'invalid' })
    }
  })

  it('may have properties called like keywords and like members of every object', () => {
    const schema = parsed('{"type":"object","properties":{"enum":{"type":"string"},"__proto__":{"type":"number"}}}')
    expect(check(schema, parsed('{"enum":"x","__proto__":1}'))).toEqual({ kind: 'valid' })
    expect(check(schema, parsed('{"enum":1}'))).toMatchObject({ kind: 'invalid' })
    expect(check({ required: ['toString'] }, {})).toMatchObject({ kind: 'invalid' })
    expect({}.constructor).toBe(Object)
  })

  it('leaves formats unchecked, as providers do', () => {
    expect(check({ type: 'string', format: 'date' }, 'no date')).toEqual({ kind: 'valid' })
  })

  it('is checked as ever after a hostile one was refused', () => {
    check({ $ref: 'https://example.org/other' }, 1)
    expect(check({ type: 'string' }, 'x')).toEqual({ kind: 'valid' })
  })
})

it('has steps enough for a megabyte of answer to a schema that means well', () => {
  const row = { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string', pattern: '^[a-z]+$' } } }
  const schema = { type: 'array', items: { ...row, required: ['id', 'name'], additionalProperties: false } }
  const rows = Array.from({ length: 40_000 }, (_, id) => ({ id, name: 'abcdefgh' }))
  expect(JSON.stringify(rows).length).toBeGreaterThan(1_000_000)
  expect(check(schema, rows)).toEqual({ kind: 'valid' })
  expect(check(schema, [...rows, { id: 1 }])).toMatchObject({ kind: 'invalid' })
})

describe('a hostile schema', () => {
  const doubling = {
    $ref: '#/$defs/a0',
    $defs: Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `a${i}`,
        i === 39 ? {} : { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] },
      ]),
    ),
  }
  const twice = { anyOf: [{ $ref: '#/$defs/t' }, { $ref: '#/$defs/t' }] }
  const twicePerLevel = { ...twice, $defs: { t: { type: 'object', properties: { a: twice } } } }
  const deepValue: unknown = JSON.parse(`${'{"a":'.repeat(60)}1${'}'.repeat(60)}`)
  const words = Array.from({ length: 20_000 }, (_, i) => i)
  const attacks: readonly (readonly [string, JsonRecord, unknown])[] = [
    ['doubles at each reference', doubling, 1],
    ['doubles at each level of the value', twicePerLevel, deepValue],
    ['refers to itself without end', { $ref: '#' }, 1],
    ['compares every item with every other', { uniqueItems: true }, Array.from({ length: 200_000 }, (_, i) => ({ i }))],
    ['tries every name on every item', { items: { enum: words } }, Array.from({ length: 300_000 }, () => 19_999)],
    [
      'has a large pattern on many items',
      { items: { pattern: '([a-z]{1,40}){1,20}[A-Z]' } },
      Array.from({ length: 5_000 }, () => `${'abc '.repeat(50)}Z`.replace(' Z', 'Z')),
    ],
    ['has a pattern that linear time cannot match', { pattern: '(a)\\1' }, 'aa'],
    ['is too wide', { properties: Object.fromEntries(words.map((i) => [`p${i}`, { type: 'string' }])) }, {}],
    ['is too deep', parsed(`${'{"items":'.repeat(5_000)}{}${'}'.repeat(5_000)}`), []],
    ['is deeper than the stack', parsed(`${'{"x":'.repeat(100_000)}1${'}'.repeat(100_000)}`), []],
    ['holds too much', { enum: ['x'.repeat(300_000)] }, 'x'],
    ['names another document', { $ref: 'http://127.0.0.1:1/schema.json' }, 1],
    ['names a file', { items: { $ref: 'file:///etc/passwd' } }, []],
    ['is none', { type: 'nonsense' }, 1],
    ['is of draft-04', { $schema: 'http://json-schema.org/draft-04/schema#', minimum: 1, exclusiveMinimum: true }, 2],
    ['names what is not there', { $ref: '#/$defs/missing' }, 1],
    ['has keywords of wrong types', { properties: [], required: 'x', items: 3 }, {}],
  ]
  it.each(attacks)('that %s is a failed check, in bounded time', (_name, schema, value) => {
    const { verdict, isSlow } = timed(schema, value)
    expect(isSlow).toBe(false)
    expect(verdict).toEqual({ kind: 'failed', why: expect.stringMatching(/\w/) })
    expect(check(schema, value)).toEqual(verdict)
  })

  it('may have a pattern over which other engines never come back', () => {
    const { verdict, isSlow } = timed({ pattern: '^(a+)+$' }, `${'a'.repeat(1_000_000)}b`)
    expect({ verdict, isSlow }).toMatchObject({ verdict: { kind: 'invalid' }, isSlow: false })
  })

  it('that refers to another document is refused before anything is made of it', () => {
    for (const $ref of ['http://127.0.0.1:1/schema.json', 'file:///etc/passwd', 'other.json#/$defs/a'])
      expect(check({ items: { $ref } }, [])).toEqual({ kind: 'failed', why: 'the schema refers to another document' })
  })

  it('cannot smuggle code into the check that is made of it', () => {
    const code = "');globalThis.pwned=1;('"
    for (const text of [
      code,
      '"+(globalThis.pwned=1)+"',
      '`${globalThis.pwned=1}`',
      '\u2028globalThis.pwned=1//',
      '*/',
    ]) {
      const schemas: readonly JsonRecord[] = [
        { properties: { [text]: { type: 'string' } }, required: [text], dependentRequired: { [text]: [text] } },
        { enum: [text], const: text, pattern: text.replace(/[()*+$]/g, '.') },
        { patternProperties: { [text.replace(/[()*+$]/g, '.')]: false }, $defs: { [text]: {} }, $anchor: text },
        { $ref: `#/${text}`, type: text, title: text, $comment: text, [text]: text, minimum: text },
      ]
      for (const schema of schemas) check(schema, { [text]: text })
    }
    expect(globalThis).not.toHaveProperty('pwned')
  })

  it('does not fill the memory: what is compiled is forgotten again', () => {
    const many = createCheckSchema()
    for (let i = 0; i < 300; i++) expect(many({ const: i }, i)).toEqual({ kind: 'valid' })
    expect(many({ const: 0 }, 1)).toMatchObject({ kind: 'invalid' })
  })
})
