import { parseJson } from './json-value.ts'

/** `value` as JSON; '' for what has none, or is nested deeper than the stack. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '' // a RangeError: what can be parsed cannot always be written
  }
}

/** The same JSON without the blanks of its writer; text that is no JSON as it is. */
export function compactJson(text: string): string {
  const value = parseJson(text)
  return value === undefined ? text : jsonText(value)
}
