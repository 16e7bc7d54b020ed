import { z } from 'zod'

/** How a place may be written shorter: a section as one of its values alone, a list as its only entry. */
export type Shorthand = { readonly key: string } | { readonly list: true }

/** Shorthands of sections and lists, found by their schemas. */
export const shorthands = z.registry<Shorthand>()

/** The section may be written as its value of `key` alone, where there is nothing else to say. */
export function orOnly<Shape extends z.ZodRawShape>(
  section: z.ZodObject<Shape, z.core.$strict>,
  key: keyof Shape & string,
): z.ZodObject<Shape, z.core.$strict> {
  section.register(shorthands, { key })
  return section
}

/** A list of at least one, which may be written as its only entry. */
export function oneOrMany<T extends z.ZodType>(entry: T, expected: string): z.ZodArray<T> {
  const list = z.array(entry, { error: expected }).min(1, { error: `${expected}, at least one` })
  list.register(shorthands, { list: true })
  return list
}

/** Lets the JSON Schema of a place that has a shorthand take the short form as well; changes `json`. */
export function addShorthand(schema: z.core.$ZodType, json: z.core.JSONSchema.BaseSchema): void {
  const short = shorthands.get(schema)
  const only = short === undefined ? undefined : 'list' in short ? json.items : json.properties?.[short.key]
  if (typeof only !== 'object' || Array.isArray(only)) return
  const long = { ...json }
  for (const key of Object.keys(json)) Reflect.deleteProperty(json, key)
  json.anyOf = [only, long]
}
