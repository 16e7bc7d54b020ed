import type { Ask, Tool } from './ask.ts'
import { badRequest } from './gemini-errors.ts'
import { countOf, isObject, objectsOf, textOf, type JsonObject } from './json.ts'
import type { ApiError } from './provider-errors.ts'

/** Reads a generateContent body; `stream` in it says whether the path asked for one. */
export function readGenerateContent(body: JsonObject): Ask | ApiError {
  const contents = objectsOf(body['contents'])
  if (contents.length === 0) return badRequest('* GenerateContentRequest.contents: contents is not specified\n')
  const config = objectOf(body['generationConfig'])
  const thinking = objectOf(config['thinkingConfig'])
  const declared = objectsOf(body['tools']).flatMap((tool) => objectsOf(tool['functionDeclarations']))
  const lastUser = contents.findLast((content) => content['role'] !== 'model')
  const isJson = config['responseMimeType'] === 'application/json'
  return {
    prompt: promptOf(body),
    question: partsOf(lastUser).map(textOfPart).join('\n'),
    cacheMarks: [],
    isStream: body['stream'] === true,
    choices: countOf(config['candidateCount']) ?? 1,
    maxTokens: countOf(config['maxOutputTokens']),
    tools: declared.flatMap(readTool),
    toolChoice: readToolChoice(body),
    isAfterTool: partsOf(contents.at(-1)).some((part) => isObject(part['functionResponse'])),
    schema: schemaOf(config['responseJsonSchema'] ?? config['responseSchema']) ?? (isJson ? {} : undefined),
    thinks: thinking['includeThoughts'] === true || (countOf(thinking['thinkingBudget']) ?? 0) > 0,
    serviceTier: textOf(body['serviceTier']),
  }
}

/** All text of a request that counts as input: system instruction, tools, turns. */
export function promptOf(body: JsonObject): string {
  const tools = objectsOf(body['tools']).map((tool) => JSON.stringify(tool))
  const contents = [objectOf(body['systemInstruction']), ...objectsOf(body['contents'])]
  return [...tools, ...contents.flatMap(partsOf).map(textOfPart)].join('\n')
}

/** Whether thoughts are asked for, and not only thought. */
export function showsThoughts(body: JsonObject): boolean {
  return objectOf(objectOf(body['generationConfig'])['thinkingConfig'])['includeThoughts'] === true
}

/** The text of a content, part by part. */
export function textOfContent(content: unknown): string {
  return partsOf(objectOf(content)).map(textOfPart).join('\n')
}

function partsOf(content: JsonObject | undefined): readonly JsonObject[] {
  return objectsOf(content?.['parts'])
}

/** Calls and their results count with their JSON; images and files do not count. */
function textOfPart(part: JsonObject): string {
  const call = part['functionCall'] ?? part['functionResponse']
  return textOf(part['text']) ?? (call === undefined ? '' : JSON.stringify(call))
}

function readTool(declaration: JsonObject): readonly Tool[] {
  const name = textOf(declaration['name'])
  const schema = schemaOf(declaration['parametersJsonSchema'] ?? declaration['parameters']) ?? {}
  return name === undefined ? [] : [{ name, schema }]
}

function readToolChoice(body: JsonObject): Ask['toolChoice'] {
  const config = objectOf(objectOf(body['toolConfig'])['functionCallingConfig'])
  const allowed = config['allowedFunctionNames']
  const [name] = Array.isArray(allowed) ? allowed : []
  if (config['mode'] === 'NONE') return 'none'
  if (config['mode'] !== 'ANY') return 'auto'
  return typeof name === 'string' ? { name } : 'any'
}

/** A schema with its types in JSON Schema's lower case: Gemini's own schemas say `STRING`. */
function schemaOf(schema: unknown): JsonObject | undefined {
  return isObject(schema) ? objectOf(lowered(schema, 0)) : undefined
}

/** Deeper than any schema that is meant. */
const MAX_DEPTH = 32

function lowered(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return null
  if (Array.isArray(value)) return value.map((item) => lowered(item, depth + 1))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === 'type' && typeof member === 'string' ? member.toLowerCase() : lowered(member, depth + 1),
    ]),
  )
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
