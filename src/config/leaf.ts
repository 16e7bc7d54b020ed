import { z } from 'zod'

/** What reading one value gives: the value, or what was expected instead of it. */
export type Reading<T> = { readonly value: T } | { readonly expected: string }

/** What there is to know about a value of the file beyond how it is read. */
export type LeafFacts = {
  /** JSON Schema for editors. */
  readonly json: Readonly<Record<string, unknown>>
  /**
   * The wrong value as a fault may show it, or undefined for no more than its kind. Leaves that may hold a secret,
   * on purpose or by a slip, show nothing.
   */
  readonly show: (text: string) => string | undefined
  /** Whether it is one: what is kept of a config must not hold it. */
  readonly isSecret: boolean
  /** How text that came out of `${…}` is read: a port from the environment is a number. */
  readonly fromText: (text: string) => unknown
  /** Whether `read` wants a number as it is written in the file, digit for digit. */
  readonly takesDigits: boolean
}

/** Facts of every leaf, found by its schema. */
export const leafFacts = z.registry<LeafFacts>()

/**
 * A schema for one value. `read` gets what the file says, or undefined where the key is missing. The message of its
 * issues is the second half of `expected …`: the fault's other half is made where the place in the file is known.
 */
export function leaf<T>(read: (value: unknown) => Reading<T>, facts: Partial<LeafFacts>): z.ZodType<T> {
  const schema = z.unknown().transform((value, context) => {
    const reading = read(value)
    if ('value' in reading) return reading.value
    context.issues.push({ code: 'custom', message: reading.expected, input: value })
    return z.NEVER
  })
  schema.register(leafFacts, {
    json: {},
    show: () => undefined,
    fromText: (text) => text,
    takesDigits: false,
    isSecret: false,
    ...facts,
  })
  return schema
}

/** Quoted and cut to 60 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)
}
