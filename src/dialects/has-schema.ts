import { isLiteral, memberOf, readString, scanObject } from './json-scan.ts'
import type { ScannedObject, Span } from './json-scan.ts'

/** Where a body asks for an answer in a given structure. Anthropic's `output_config` and OpenAI's `text` hold other wishes too. */
const PATHS: readonly (readonly [string, ...string[]])[] = [
  ['response_format'],
  ['text', 'format'],
  ['output_format'],
  ['output_config', 'format'],
  // Gemini takes both spellings.
  ...['generationConfig', 'generation_config'].flatMap((config) =>
    ['responseSchema', 'response_schema', 'responseJsonSchema', 'response_json_schema'].map(
      (schema) => [config, schema] as const,
    ),
  ),
]

/** Whether a body asks for JSON, by a schema or without one, rather than for text; a tool's own schema does not count. */
export function hasSchema(bytes: Buffer, body: ScannedObject): boolean {
  return PATHS.some((path) => {
    const format = valueAt(bytes, body, path, 0)
    return format !== undefined && !isLiteral(bytes, format, 'null') && !isText(bytes, format)
  })
}

/** The value at what `path` names from `depth` on. By index: taking the path apart would cost a list per step and body. */
function valueAt(bytes: Buffer, body: ScannedObject, path: readonly string[], depth: number): Span | undefined {
  const key = path[depth]
  const value = key === undefined ? undefined : memberOf(body, key)?.value
  if (value === undefined || depth === path.length - 1) return value
  const inner = scanObject(bytes, value.start)
  return inner === undefined ? undefined : valueAt(bytes, inner, path, depth + 1)
}

/** `{"type": "text"}`: what would be so without saying it. */
function isText(bytes: Buffer, format: Span): boolean {
  const inner = scanObject(bytes, format.start)
  const type = inner === undefined ? undefined : memberOf(inner, 'type')
  return type !== undefined && readString(bytes, type.value) === 'text'
}
