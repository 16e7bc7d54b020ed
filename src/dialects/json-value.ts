/** What `JSON.parse` gives for an object: nothing about its members is known. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `value` if it is a JSON object, else undefined. */
export function asRecord(value: unknown): JsonRecord | undefined {
  return isRecord(value) ? value : undefined
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of `value` if it is an array, else none. */
export function recordsOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

/** A name or an id of sane length; anything else is absent. */
export function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 200 ? value : undefined
}

/** Far above any context window: a larger count is a provider's bug, and would drown every sum it is added to. */
const MAX_TOKENS = 1_000_000_000

/** A count of tokens or calls: a whole number from 0 to a billion; anything else is absent, not zero. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TOKENS
    ? value
    : undefined
}

/**
 * Whether `json` holds the key `keyEnd` (its name and closing quote: `usage"`), at any depth, with a value that starts
 * with one of the characters of `openings`. No parsing, and no string value can feign a key: a quote inside a JSON
 * string is escaped. Searching without the opening quote is four times as fast: quotes are everywhere, names are not.
 */
export function hasKey(json: string, keyEnd: `${string}"`, openings: string): boolean {
  for (let at = json.indexOf(keyEnd); at !== -1; at = json.indexOf(keyEnd, at + 1)) {
    if (json[at - 1] !== '"') continue
    const colon = skipSpace(json, at + keyEnd.length)
    if (json[colon] !== ':') continue
    const first = json[skipSpace(json, colon + 1)]
    if (first !== undefined && openings.includes(first)) return true
  }
  return false
}

function skipSpace(json: string, from: number): number {
  let at = from
  while (json[at] === ' ' || json[at] === '\t' || json[at] === '\n' || json[at] === '\r') at++
  return at
}
