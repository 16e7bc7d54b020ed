import type { Ask, Tool } from './ask.ts'
import { countOf, isObject, objectsOf, textOf, type JsonObject } from './json.ts'
import type { SimulatedModel } from './model.ts'
import { missingField, unsupportedField, wrongField, type ApiError } from './provider-errors.ts'

/** Reads a chat completions body; an error is what the provider would answer. */
export function readChat(body: JsonObject, model: SimulatedModel): Ask | ApiError {
  if (body['messages'] === undefined) return missingField('openai', 'messages')
  const messages = objectsOf(body['messages'])
  if (messages.length === 0) return wrongField('openai', 'messages', 'a non-empty array of objects')
  if (messages.some((message) => textOf(message['role']) === undefined))
    return missingField('openai', 'messages[0].role')
  if (body['stream_options'] !== undefined && body['stream'] !== true) {
    return {
      ...wrongField('openai', 'stream_options', 'absent'),
      message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    }
  }
  if (model.reasoningTokens > 0 && body['max_tokens'] !== undefined)
    return unsupportedField('max_tokens', 'max_completion_tokens')
  const tools = objectsOf(body['tools']).flatMap(readTool)
  return {
    prompt: [toolText(body['tools']), ...messages.map(textOfMessage)].join('\n'),
    question: textOfMessage(messages.findLast((message) => message['role'] === 'user') ?? {}),
    cacheMarks: [],
    isStream: body['stream'] === true,
    choices: countOf(body['n']) ?? 1,
    maxTokens: countOf(body['max_completion_tokens']) ?? countOf(body['max_tokens']),
    tools,
    toolChoice: readToolChoice(body['tool_choice']),
    isAfterTool: messages.at(-1)?.['role'] === 'tool',
    schema: readFormat(body['response_format']),
    thinks: false,
    serviceTier: textOf(body['service_tier']),
  }
}

function textOfMessage(message: JsonObject): string {
  const content = message['content']
  const calls = message['tool_calls'] === undefined ? '' : JSON.stringify(message['tool_calls'])
  return (
    (textOf(content) ??
      objectsOf(content)
        .map((part) => textOf(part['text']) ?? '')
        .join('\n')) + calls
  )
}

function readTool(tool: JsonObject): readonly Tool[] {
  const definition = tool['function']
  const name = isObject(definition) ? textOf(definition['name']) : undefined
  if (!isObject(definition) || name === undefined) return []
  return [{ name, schema: isObject(definition['parameters']) ? definition['parameters'] : {} }]
}

/** Tool definitions are part of the prompt, as far as they cost tokens. */
export function toolText(tools: unknown): string {
  return tools === undefined ? '' : JSON.stringify(tools)
}

/** Shared with the Responses API, which writes the name without the inner object. */
export function readToolChoice(choice: unknown): Ask['toolChoice'] {
  if (choice === 'none') return 'none'
  if (choice === 'required') return 'any'
  if (!isObject(choice)) return 'auto'
  const inner = isObject(choice['function']) ? choice['function'] : choice
  const name = textOf(inner['name'])
  return name === undefined ? 'auto' : { name }
}

function readFormat(format: unknown): JsonObject | undefined {
  if (!isObject(format)) return undefined
  if (format['type'] === 'json_object') return {}
  const wrapped = format['json_schema']
  return format['type'] === 'json_schema' && isObject(wrapped) && isObject(wrapped['schema'])
    ? wrapped['schema']
    : undefined
}
