import { hash } from 'node:crypto'
import type { Ask, CacheMark, Tool } from './ask.ts'
import { countOf, isObject, objectsOf, textOf, type JsonObject } from './json.ts'
import { missingField, wrongField, type ApiError } from './provider-errors.ts'

/** Reads a messages (or count_tokens: no `max_tokens` there) body. */
export function readMessages(body: JsonObject, seed: number, needsMaxTokens = true): Ask | ApiError {
  if (needsMaxTokens && body['max_tokens'] === undefined) return missingField('anthropic', 'max_tokens')
  if (body['messages'] === undefined) return missingField('anthropic', 'messages')
  const messages = objectsOf(body['messages'])
  if (messages.length === 0)
    return { ...wrongField('anthropic', 'messages', 'a list'), message: 'messages: at least one message is required' }
  const tampered = findTamperedThinking(messages, seed)
  if (tampered !== undefined) return tampered
  const thinking = isObject(body['thinking']) ? body['thinking']['type'] : undefined
  const last = messages.at(-1)
  return {
    ...promptOf(body, messages),
    question: blocksOf(messages.findLast((message) => message['role'] === 'user')?.['content'])
      .map(textOfBlock)
      .join('\n'),
    isStream: body['stream'] === true,
    choices: 1,
    maxTokens: countOf(body['max_tokens']),
    tools: objectsOf(body['tools']).flatMap(readTool),
    toolChoice: readToolChoice(body['tool_choice']),
    isAfterTool: blocksOf(last?.['content']).some((block) => block['type'] === 'tool_result'),
    schema: readFormat(body),
    thinks: thinking === 'enabled' || thinking === 'adaptive',
    serviceTier: textOf(body['service_tier']),
  }
}

/** What proves that a thinking block is the model's own: comes back with it, byte for byte, or the request is refused. */
export function thinkingSignature(seed: number, thinking: string): string {
  return Buffer.from(`\u0012\u00a4simulated/${hash('sha512', `${seed}/${thinking}`)}`).toString('base64')
}

function findTamperedThinking(messages: readonly JsonObject[], seed: number): ApiError | undefined {
  for (const [turn, message] of messages.entries()) {
    for (const [index, block] of blocksOf(message['content']).entries()) {
      if (block['type'] !== 'thinking') continue
      if (block['signature'] === thinkingSignature(seed, textOf(block['thinking']) ?? '')) continue
      const place = `messages.${turn}.content.${index}`
      return {
        ...wrongField('anthropic', place, 'untouched'),
        message: `${place}: Invalid \`signature\` in \`thinking\` block`,
      }
    }
  }
  return undefined
}

/** All text in the provider's order (tools, system, messages), and where the cache marks stand in it. */
function promptOf(
  body: JsonObject,
  messages: readonly JsonObject[],
): { readonly prompt: string; readonly cacheMarks: readonly CacheMark[] } {
  let prompt = ''
  const cacheMarks: CacheMark[] = []
  const blocks = [
    ...objectsOf(body['tools']),
    ...blocksOf(body['system']),
    ...messages.flatMap((message) => blocksOf(message['content'])),
  ]
  for (const block of blocks) {
    prompt += textOfBlock(block) + '\n'
    const control = block['cache_control']
    if (isObject(control)) cacheMarks.push({ length: prompt.length, ttl: control['ttl'] === '1h' ? '1h' : '5m' })
  }
  return { prompt, cacheMarks }
}

/** A plain string is one text block. */
function blocksOf(content: unknown): readonly JsonObject[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content)
}

function textOfBlock(block: JsonObject): string {
  const text = textOf(block['text']) ?? textOf(block['thinking'])
  if (text !== undefined) return text
  const content = block['content']
  if (content !== undefined) return blocksOf(content).map(textOfBlock).join('\n')
  // Tool definitions and calls count with their names and schemas; images and documents do not count.
  const { name, description, input_schema, input } = block
  return JSON.stringify({ name, description, input_schema, input })
}

function readTool(tool: JsonObject): readonly Tool[] {
  const name = textOf(tool['name'])
  const schema = tool['input_schema']
  return name === undefined || !isObject(schema) ? [] : [{ name, schema }]
}

function readToolChoice(choice: unknown): Ask['toolChoice'] {
  if (!isObject(choice)) return 'auto'
  const name = textOf(choice['name'])
  if (choice['type'] === 'tool' && name !== undefined) return { name }
  return choice['type'] === 'any' ? 'any' : choice['type'] === 'none' ? 'none' : 'auto'
}

/** `output_config.format`, or `output_format` as its beta called it. */
function readFormat(body: JsonObject): JsonObject | undefined {
  const config = isObject(body['output_config']) ? body['output_config'] : {}
  const format = config['format'] ?? body['output_format']
  return isObject(format) && format['type'] === 'json_schema' && isObject(format['schema'])
    ? format['schema']
    : undefined
}
