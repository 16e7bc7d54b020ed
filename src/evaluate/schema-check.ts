import { createHash } from 'node:crypto'
import { Ajv, type Options } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { asRecord, type JsonRecord } from '../dialects/json-value.ts'
import { boundedSchema, COST, type SchemaCost } from './bounded-schema.ts'
import { linearPattern } from './linear-pattern.ts'

/** What a value is to a schema. `where`: the part of the schema that it breaks, as a pointer into the schema. */
export type SchemaVerdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly where: string }
  | { readonly kind: 'failed'; readonly why: string }

/** Checks `value` against a client's schema. Never throws; the same arguments give the same verdict. */
export type CheckSchema = (schema: JsonRecord, value: unknown) => SchemaVerdict

/**
 * Steps one check may take: about a second's work where every step fails, and more than a megabyte of answer takes of a
 * schema that means well. Counted, not timed, so that a verdict never depends on the machine.
 */
const MAX_STEPS = 1_000_000
/** A character that a pattern looks at is cheaper than a part of a schema. */
const PATTERN_STEPS = 100

/** Compiled schemas kept: applications use a handful each. */
const MAX_KEPT = 64

class TooCostly extends Error {}

/**
 * A checker of draft 2020-12, and of draft-07 where a schema names it or lists its `items`. Formats are not checked, as
 * providers do not. Patterns are RE2's: linear in the text, whoever wrote them.
 */
export function createCheckSchema(): CheckSchema {
  let stepsLeft = 0
  const charge = (steps: number): void => {
    stepsLeft -= steps
    if (stepsLeft < 0) throw new TooCostly('too costly to check')
  }
  const regExp = Object.assign(
    (source: string) => {
      const pattern = linearPattern(source)
      if ('fault' in pattern) throw new SyntaxError(pattern.fault)
      const test = (text: string): boolean => {
        charge(pattern.stepsOn(text) / PATTERN_STEPS)
        return pattern.test(text)
      }
      return { test, toString: () => source }
    },
    { code: 'linearPattern' },
  )
  const options: Options = {
    strict: false,
    logger: false,
    validateFormats: false,
    inlineRefs: false,
    // Without it, `required: ["toString"]` holds for every object.
    ownProperties: true,
    code: { regExp, optimize: false },
  }
  const dialects = [new Ajv2020(options), new Ajv(options)]
  for (const ajv of dialects) {
    ajv.addKeyword({
      keyword: COST,
      validate: (cost: SchemaCost, value: unknown): boolean => {
        charge(cost.fixed + cost.perItem * sizeOf(value) * (cost.isPairwise ? sizeOf(value) : 1))
        return true
      },
      errors: false,
    })
  }

  type Compiled = (value: unknown) => SchemaVerdict
  const kept = new Map<string, Compiled>()

  const compile = (schema: JsonRecord): Compiled => {
    const bounded = boundedSchema(schema)
    if (bounded.kind === 'refused') return () => ({ kind: 'failed', why: bounded.why })
    const ajv = dialects[bounded.isDraft7 ? 1 : 0]
    if (ajv === undefined) throw new RangeError('expected two dialects')
    try {
      stepsLeft = MAX_STEPS
      const validate = ajv.compile(bounded.schema)
      return (value) => {
        stepsLeft = MAX_STEPS
        try {
          return validate(value)
            ? { kind: 'valid' }
            : { kind: 'invalid', where: validate.errors?.at(-1)?.schemaPath ?? '#' }
        } catch (cause) {
          return { kind: 'failed', why: cause instanceof TooCostly ? cause.message : 'nested too deep to check' }
        }
      }
    } catch {
      return () => ({ kind: 'failed', why: 'the schema of the request is none, or not one that can be checked' })
    } finally {
      // Ajv keeps every schema it is given, for ever.
      ajv.removeSchema(bounded.schema)
    }
  }

  return (schema, value) => {
    const key = keyOf(schema)
    if (key === undefined) return { kind: 'failed', why: 'the schema is too large' }
    const known = kept.get(key)
    const check = known ?? compile(schema)
    kept.delete(key)
    kept.set(key, check)
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    return check(value)
  }
}

/** Larger ones are refused before they are looked at. */
const MAX_SCHEMA_CHARS = 400_000

/** Tells schemas apart without keeping them; undefined for one that is too large. */
function keyOf(schema: JsonRecord): string | undefined {
  try {
    const text = JSON.stringify(schema)
    return text.length > MAX_SCHEMA_CHARS ? undefined : createHash('sha256').update(text).digest('base64')
  } catch {
    return undefined // nested deeper than the stack
  }
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  return Object.keys(asRecord(value) ?? {}).length
}
