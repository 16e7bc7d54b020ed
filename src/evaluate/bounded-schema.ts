import { asRecord, type JsonRecord } from '../dialects/json-value.ts'

/** A client's schema, rebuilt from what is understood of it, or why it is not worked with. */
export type BoundedSchema =
  | { readonly kind: 'bounded'; readonly schema: JsonRecord; readonly isDraft7: boolean }
  | { readonly kind: 'refused'; readonly why: string }

/** The keyword that each part of a rebuilt schema carries: what checking a value against it costs. */
export const COST = 'understudyCost'

/** `fixed` for every value, `perItem` for each of its items, members or (patterns) characters. */
export type SchemaCost = { readonly fixed: number; readonly perItem: number; readonly isPairwise: boolean }

/** Comparing a character of a listed value takes this share of a step. */
const CHARS_PER_STEP = 16

/** A part takes Ajv 0.15 ms to compile, on a thread that others wait for. OpenAI allows 5 000 properties; few use 100. */
const MAX_PARTS = 500
const MAX_DEPTH = 40
/** Characters of everything in it that is no schema: names, enum values, patterns. */
const MAX_CHARS = 200_000

const PARTS: ReadonlySet<string> = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
])
const PART_LISTS: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems'])
const PART_MAPS: ReadonlySet<string> = new Set([
  '$defs',
  'definitions',
  'dependentSchemas',
  'patternProperties',
  'properties',
])
/** Keywords that hold plain values. All others (formats, titles, `$id`, what a provider made up) do not validate. */
const VALUES: ReadonlySet<string> = new Set([
  '$anchor',
  'const',
  'dependentRequired',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'maxContains',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minContains',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'nullable',
  'pattern',
  'required',
  'type',
  'uniqueItems',
])

/**
 * Rebuilds a client's schema keyword by keyword, with a cost on each part. Schemas come from outside: what is too large
 * or refers to another document is refused, and nothing is ever fetched.
 */
export function boundedSchema(schema: JsonRecord): BoundedSchema {
  const walk = createWalk()
  const rebuilt = walk.part(schema, 0)
  if (walk.fault() !== undefined) return { kind: 'refused', why: walk.fault() ?? '' }
  const root = asRecord(rebuilt)
  if (root === undefined) return { kind: 'refused', why: 'the schema is no object' }
  return { kind: 'bounded', schema: root, isDraft7: walk.hasItemLists() || namesDraft7(schema['$schema']) }
}

function namesDraft7(draft: unknown): boolean {
  return typeof draft === 'string' && /draft-0[467]/.test(draft)
}

function createWalk() {
  let parts = 0
  let chars = 0
  let fault: string | undefined
  let hasItemLists = false

  const value = (held: unknown): unknown => {
    chars += charsIn(held, MAX_CHARS - chars)
    if (chars > MAX_CHARS) fault ??= `the schema holds more than ${MAX_CHARS} characters`
    return held
  }

  const part = (schema: unknown, depth: number): unknown => {
    if (typeof schema === 'boolean') return schema
    const record = asRecord(schema)
    parts += 1
    if (record === undefined) fault ??= 'a part of the schema is neither an object nor true or false'
    if (parts > MAX_PARTS) fault ??= `the schema has more than ${MAX_PARTS} parts`
    if (depth > MAX_DEPTH) fault ??= `the schema is nested deeper than ${MAX_DEPTH}`
    if (record === undefined || fault !== undefined) return true
    const kept = Object.entries(record).flatMap(([key, held]) => keyword(key, held, depth))
    return Object.fromEntries([...kept, [COST, costOf(record)]])
  }

  const keyword = (key: string, held: unknown, depth: number): readonly (readonly [string, unknown])[] => {
    if (PART_LISTS.has(key) && Array.isArray(held)) {
      if (key === 'items') hasItemLists = true
      return [[key, held.map((each: unknown) => part(each, depth + 1))]]
    }
    if (PARTS.has(key)) return [[key, part(held, depth + 1)]]
    if (PART_MAPS.has(key)) {
      const map = Object.entries(asRecord(held) ?? {})
      value(map.map(([name]) => name))
      return [[key, Object.fromEntries(map.map(([name, each]) => [name, part(each, depth + 1)]))]]
    }
    if (key === '$ref' || key === '$dynamicRef' || key === '$recursiveRef') {
      if (typeof held !== 'string' || !held.startsWith('#')) fault ??= 'the schema refers to another document'
      return [['$ref', value(held)]]
    }
    // Gemini writes types in capitals.
    if (key === 'type') return [[key, typeof held === 'string' ? held.toLowerCase() : value(held)]]
    return VALUES.has(key) ? [[key, value(held)]] : []
  }

  return { part, fault: () => fault, hasItemLists: () => hasItemLists }
}

/** Characters of names, texts and numbers in a value, counted no further than `limit`. Iterative: depth costs no stack. */
function charsIn(held: unknown, limit: number): number {
  let chars = 0
  const left: unknown[] = [held]
  while (left.length > 0 && chars <= limit) {
    const next = left.pop()
    chars += typeof next === 'string' ? next.length + 1 : 1
    if (Array.isArray(next)) {
      chars += next.length
      if (chars <= limit) for (const each of next) left.push(each)
    } else {
      for (const [name, each] of Object.entries(asRecord(next) ?? {})) {
        chars += name.length
        left.push(each)
      }
    }
  }
  return chars
}

function costOf(schema: JsonRecord): SchemaCost {
  const count = (key: string): number => Object.keys(asRecord(schema[key]) ?? {}).length
  const lists = ['required', 'enum', 'allOf', 'anyOf', 'oneOf', 'prefixItems']
  const listed = lists.reduce((sum, key) => sum + charsIn(schema[key], MAX_CHARS), 0)
  const closes = schema['additionalProperties'] !== undefined || schema['unevaluatedProperties'] !== undefined
  return {
    fixed:
      1 +
      (listed + charsIn(schema['const'], MAX_CHARS)) / CHARS_PER_STEP +
      count('properties') +
      count('dependentRequired'),
    perItem: 1 + count('patternProperties') + (closes ? count('properties') : 0),
    isPairwise: schema['uniqueItems'] === true,
  }
}
