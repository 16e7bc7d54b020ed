import type { TextBudget } from './bounded-text.ts'
import { asRecord, type JsonRecord, recordsOf } from './json-value.ts'
import {
  type Attachments,
  contentText,
  type PromptFormat,
  type PromptReading,
  type PromptTurn,
  schemaFormat,
  TEXT_FORMAT,
  toolOf,
} from './prompt-reading.ts'

/** A Responses body. */
export function readResponsesPrompt(body: JsonRecord, budget: TextBudget): PromptReading {
  const attachments: Attachments = { hasImages: false, hasFiles: false }
  const instructions = budget.take(body['instructions'])
  const system: string[] = []
  const turns: PromptTurn[] = []
  const { input } = body
  if (typeof input === 'string') turns.push({ role: 'user', text: budget.take(input) })
  const items = recordsOf(input)
  for (const item of items.toReversed()) {
    const role = roleOf(item)
    if (role === undefined) continue
    const text = contentText(role === 'tool' ? item['output'] : item['content'], budget, attachments)
    if (role === 'system') system.push(text)
    else turns.push({ role, text })
  }
  const tools = recordsOf(body['tools'])
  return {
    system: [instructions, ...system.reverse()].filter((text) => text !== '').join('\n\n'),
    turns: turns.reverse(),
    tools: tools.flatMap((tool) => (isOwn(tool) ? toolOf(tool['name'], tool['parameters']) : [])),
    format: readFormat(asRecord(body['text'])?.['format']),
    ...attachments,
    hasHostedTools: tools.some((tool) => !isOwn(tool)),
    hasStoredConversation:
      isSet(body['conversation']) ||
      isSet(body['previous_response_id']) ||
      isSet(body['prompt']) ||
      items.some(({ type }) => type === 'item_reference'),
    isBackground: body['background'] === true,
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Whether the client runs a tool; all but functions and custom tools count as the provider's. */
function isOwn(tool: JsonRecord): boolean {
  return tool['type'] === 'function' || tool['type'] === 'custom'
}

/** Undefined for items that are no words of anybody's: reasoning, calls. */
function roleOf(item: JsonRecord): PromptTurn['role'] | 'system' | undefined {
  const { type, role } = item
  if (typeof type === 'string' && type.endsWith('_call_output')) return 'tool'
  if (type !== undefined && type !== 'message') return undefined
  if (role === 'system' || role === 'developer') return 'system'
  return role === 'assistant' ? 'assistant' : 'user'
}

function readFormat(value: unknown): PromptFormat {
  const format = asRecord(value)
  if (format?.['type'] === 'json_object') return { kind: 'json' }
  return format?.['type'] === 'json_schema' ? schemaFormat(format['schema']) : TEXT_FORMAT
}
