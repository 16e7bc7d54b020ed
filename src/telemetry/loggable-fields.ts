import { stackFrames } from './stack-frames.ts'

/** What a log line may hold: JSON without surprises. */
export type Loggable = string | number | boolean | null | readonly Loggable[] | { readonly [name: string]: Loggable }

const LONGEST_STRING = 2_000
const DEEPEST = 3
const MOST_ITEMS = 50
const MASK = '[redacted]'

/** Ends of field names that hold secrets in any spelling: `api_key`, `apiKey`, `readToken`, `x-api-key`. */
const SECRET_NAME = /(authorization|cookie|password|passphrase|secret|credentials?|api[-_]?key|private[-_]?key|token)$/i

/** Keys as providers issue them, authorization values, and passwords inside URLs: an error's text may quote one. */
const SECRET_TEXT =
  /\b(?:sk|pk|rk|xai|gsk|key)-[\w-]{8,}|\bAIza[\w-]{20,}|\b(?:Bearer|Basic)\s+[\w.~+/=-]{6,}|(?<=:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/gi

/**
 * Turns the fields of an event into what goes out: secrets masked by the name of their field and by their shape,
 * strings cut, errors reduced to their text, depth and length bounded. Anything else is left out. An error in a field
 * named `bug` is one that nobody expected: `bug` is its text and `bug_at` the places it came through. This is the second
 * lock: the first is that nobody hands a key, a header or a body to the log.
 */
export function loggableFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, Loggable>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const loggable = SECRET_NAME.test(name) && isPresent(value) ? MASK : toLoggable(value, 0)
      if (loggable === undefined) return []
      if (name !== 'bug' || !(value instanceof Error)) return [[name, loggable]]
      return [
        [name, loggable],
        ['bug_at', stackFrames(value).map(maskSecrets)],
      ]
    }),
  )
}

/** `text` with everything masked that looks like a key, an authorization value or a password in a URL. */
export function maskSecrets(text: string): string {
  return text.replaceAll(SECRET_TEXT, MASK)
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'boolean'
}

function toLoggable(value: unknown, depth: number): Loggable | undefined {
  switch (typeof value) {
    case 'string':
      // Masked before it is cut, so that no cut leaves half a key behind.
      return maskSecrets(value).slice(0, LONGEST_STRING)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value
    case 'object':
      return value === null ? null : objectToLoggable(value, depth)
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined
  }
}

function objectToLoggable(value: object, depth: number): Loggable | undefined {
  if (value instanceof Error) return errorText(value)
  if (value instanceof Date) return value.toJSON()
  if (value instanceof URL) return `${value.origin}${value.pathname}`
  if (ArrayBuffer.isView(value) || depth >= DEEPEST) return undefined
  if (Array.isArray(value)) {
    return value.slice(0, MOST_ITEMS).map((item: unknown) => toLoggable(item, depth + 1) ?? null)
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MOST_ITEMS)
      .flatMap(([name, inner]: [string, unknown]) => {
        const loggable = SECRET_NAME.test(name) && isPresent(inner) ? MASK : toLoggable(inner, depth + 1)
        return loggable === undefined ? [] : [[name, loggable]]
      }),
  )
}

/** `TypeError: text ← Error: its cause ← …`, without stacks: they name files of the machine, and where an expected error came up helps nobody. */
function errorText(error: Error): string {
  const texts: string[] = []
  for (let at: unknown = error; at instanceof Error && texts.length < DEEPEST; at = at.cause) {
    texts.push(`${at.name}: ${at.message}`)
  }
  return maskSecrets(texts.join(' ← ')).slice(0, LONGEST_STRING)
}
