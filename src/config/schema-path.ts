import { z } from 'zod'
import type { Path } from './fault.ts'
import { leafFacts, type LeafFacts } from './leaf.ts'
import { type Shorthand, shorthands } from './shorthand.ts'

type Schema = z.core.$ZodType

/** Facts of the leaf at `path`; undefined for sections and for what the schema does not know. */
export function factsAt(schema: Schema, path: Path): LeafFacts | undefined {
  const found = schemaAt(schema, path)
  return found === undefined ? undefined : leafFacts.get(found)
}

/** How the section or list at `path` may be written shorter; undefined where it may not. */
export function shorthandAt(schema: Schema, path: Path): Shorthand | undefined {
  const found = schemaAt(schema, path)
  return found === undefined ? undefined : shorthands.get(found)
}

/** The keys that the section at `path` knows; none where there is no section. */
export function keysAt(schema: Schema, path: Path): readonly string[] {
  const found = schemaAt(schema, path)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

/** Path of every leaf, with `*` for a name or an index of the operator's own choosing. */
export function leafPaths(schema: Schema, path: Path = []): readonly Path[] {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodObject) {
    return Object.entries<Schema>(bare.shape).flatMap(([key, child]) => leafPaths(child, [...path, key]))
  }
  if (bare instanceof z.ZodRecord) return leafPaths(bare.valueType, [...path, '*'])
  if (bare instanceof z.ZodArray) return leafPaths(bare.element, [...path, '*'])
  return [path]
}

function schemaAt(schema: Schema, path: Path): Schema | undefined {
  const bare = unwrap(schema)
  const [step, ...rest] = path
  if (step === undefined) return bare
  if (bare instanceof z.ZodObject) {
    const child: unknown = Object.hasOwn(bare.shape, step) ? bare.shape[step] : undefined
    return child instanceof z.ZodType ? schemaAt(child, rest) : undefined
  }
  if (bare instanceof z.ZodRecord) return schemaAt(bare.valueType, rest)
  if (bare instanceof z.ZodArray) return schemaAt(bare.element, rest)
  return undefined
}

/** The schema under `optional` and `prefault`. */
function unwrap(schema: Schema): Schema {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault ? unwrap(schema.unwrap()) : schema
}
