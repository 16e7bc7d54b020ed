import type { Unit } from '../domain/units.ts'
import { pickFrom } from './draw.ts'
import { isObject, objectsOf, textOf, type JsonObject } from './json.ts'

/**
 * A value that follows a JSON schema (types, properties, items, enum, const, anyOf, oneOf, allOf, local $ref).
 * Properties named in `known` take its value; the rest is made up from `next`, so the same draws give the same value.
 */
export function jsonFromSchema(schema: JsonObject, known: JsonObject, next: () => Unit): unknown {
  return build(schema, { root: schema, known, next }, 0)
}

type Context = { readonly root: JsonObject; readonly known: JsonObject; readonly next: () => Unit }

/** Deeper than this, a schema that refers to itself gets null. */
const MAX_DEPTH = 12

function build(schema: unknown, context: Context, depth: number): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH) return null
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0)
    return pickFrom<unknown>(schema['enum'], context.next())
  const reference = textOf(schema['$ref'])
  if (reference !== undefined) return build(resolve(context.root, reference), context, depth + 1)
  const alternatives = objectsOf(schema['anyOf'] ?? schema['oneOf'])
  if (alternatives.length > 0) return build(alternatives[0], context, depth + 1)
  const parts = objectsOf(schema['allOf'])
  if (parts.length > 0) return Object.assign({}, ...parts.map((part) => build(part, context, depth + 1)))
  return buildTyped(schema, context, depth)
}

function buildTyped(schema: JsonObject, context: Context, depth: number): unknown {
  switch (typeOf(schema)) {
    case 'string':
      return schema['format'] === 'date' ? '2026-01-31' : pickFrom(WORDS, context.next())
    case 'integer':
      return inRange(schema, Math.floor(context.next() * 100))
    case 'number':
      return inRange(schema, Math.floor(context.next() * 10_000) / 100)
    case 'boolean':
      return context.next() < 0.5
    case 'array':
      return buildArray(schema, context, depth)
    case 'object':
      return buildObject(schema, context, depth)
    default:
      return null
  }
}

function buildObject(schema: JsonObject, context: Context, depth: number): JsonObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      Object.hasOwn(context.known, name) ? context.known[name] : build(property, context, depth + 1),
    ]),
  )
}

function buildArray(schema: JsonObject, context: Context, depth: number): readonly unknown[] {
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 1
  const length = Math.min(100, Math.max(least, 1 + Math.floor(context.next() * 2)))
  return Array.from({ length }, () => build(schema['items'] ?? { type: 'string' }, context, depth + 1))
}

function inRange(schema: JsonObject, value: number): number {
  const least = typeof schema['minimum'] === 'number' ? schema['minimum'] : value
  const most = typeof schema['maximum'] === 'number' ? schema['maximum'] : value
  return Math.max(least, Math.min(most, value))
}

/** The first type that is not null; schemas without a type are objects when they have properties. */
function typeOf(schema: JsonObject): unknown {
  const type = schema['type']
  if (Array.isArray(type)) return type.find((name) => name !== 'null')
  return type ?? ('properties' in schema ? 'object' : undefined)
}

/** What a local reference (`#/$defs/order`) points at. */
function resolve(root: JsonObject, reference: string): unknown {
  let found: unknown = root
  for (const step of reference.split('/').slice(1)) found = isObject(found) ? found[step] : undefined
  return found
}

const WORDS = ['Lisbon', 'amber', 'quarterly report', 'blue', 'priority', 'Kyoto', 'refund', 'sunny']
