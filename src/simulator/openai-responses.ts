import type { Ask, Tool } from './ask.ts'
import { countOf, isObject, objectsOf, textOf, type JsonObject } from './json.ts'
import { readToolChoice, toolText } from './openai-chat.ts'
import { missingField, wrongField, type ApiError } from './provider-errors.ts'

/** Reads a Responses body. */
export function readResponses(body: JsonObject): Ask | ApiError {
  const input = body['input']
  if (input === undefined) return missingField('openai', 'input')
  if (typeof input !== 'string' && !Array.isArray(input))
    return wrongField('openai', 'input', 'a string or an array of input items')
  const items: readonly JsonObject[] = typeof input === 'string' ? [{ role: 'user', content: input }] : objectsOf(input)
  const texts = items.map(textOfItem)
  return {
    prompt: [toolText(body['tools']), textOf(body['instructions']) ?? '', ...texts].join('\n'),
    question: textOfItem(items.findLast((item) => item['role'] === 'user') ?? {}),
    cacheMarks: [],
    isStream: body['stream'] === true,
    choices: 1,
    maxTokens: countOf(body['max_output_tokens']),
    tools: objectsOf(body['tools']).flatMap(readTool),
    toolChoice: readToolChoice(body['tool_choice']),
    isAfterTool: items.at(-1)?.['type'] === 'function_call_output',
    schema: readFormat(body['text']),
    thinks: false,
    serviceTier: textOf(body['service_tier']),
  }
}

function textOfItem(item: JsonObject): string {
  const content = item['content'] ?? item['output'] ?? item['arguments']
  return (
    textOf(content) ??
    objectsOf(content)
      .map((part) => textOf(part['text']) ?? '')
      .join('\n')
  )
}

function readTool(tool: JsonObject): readonly Tool[] {
  const name = textOf(tool['name'])
  if (tool['type'] !== 'function' || name === undefined) return []
  return [{ name, schema: isObject(tool['parameters']) ? tool['parameters'] : {} }]
}

function readFormat(text: unknown): JsonObject | undefined {
  const format = isObject(text) ? text['format'] : undefined
  if (!isObject(format)) return undefined
  if (format['type'] === 'json_object') return {}
  return format['type'] === 'json_schema' && isObject(format['schema']) ? format['schema'] : undefined
}
