import type { TextBudget } from './bounded-text.ts'
import { asRecord, type JsonRecord, recordsOf } from './json-value.ts'
import {
  type Attachments,
  contentText,
  type PromptFormat,
  type PromptReading,
  type PromptTool,
  type PromptTurn,
  schemaFormat,
  TEXT_FORMAT,
  toolOf,
} from './prompt-reading.ts'

/** A chat completions body. */
export function readChatPrompt(body: JsonRecord, budget: TextBudget): PromptReading {
  const attachments: Attachments = { hasImages: false, hasFiles: false }
  const system: string[] = []
  const turns: PromptTurn[] = []
  for (const message of recordsOf(body['messages']).toReversed()) {
    const text = contentText(message['content'], budget, attachments)
    const role = roleOf(message['role'])
    if (role === 'system') system.push(text)
    else turns.push({ role, text })
  }
  const tools = recordsOf(body['tools'])
  return {
    system: system.reverse().join('\n\n'),
    turns: turns.reverse(),
    tools: [...tools.flatMap(readTool), ...recordsOf(body['functions']).flatMap(readFunction)],
    format: readFormat(body['response_format']),
    ...attachments,
    // `web_search_options` is OpenAI's own search; other servers add types of their own to `tools`.
    hasHostedTools:
      asRecord(body['web_search_options']) !== undefined ||
      tools.some(({ type }) => type !== undefined && type !== 'function' && type !== 'custom'),
    hasStoredConversation: false,
    isBackground: false,
  }
}

/** A legacy completions body: its prompt is the one turn. Tokens in place of text are no text. */
export function readCompletionPrompt(body: JsonRecord, budget: TextBudget): PromptReading {
  const { prompt } = body
  const texts: readonly unknown[] = Array.isArray(prompt) ? prompt : [prompt]
  return {
    system: '',
    turns: [{ role: 'user', text: texts.map(budget.take).join('\n') }],
    tools: [],
    format: readFormat(body['response_format']),
    hasImages: false,
    hasFiles: false,
    hasHostedTools: false,
    hasStoredConversation: false,
    isBackground: false,
  }
}

function roleOf(role: unknown): PromptTurn['role'] | 'system' {
  switch (role) {
    case 'system':
    case 'developer':
      return 'system'
    case 'assistant':
      return 'assistant'
    case 'tool':
    case 'function':
      return 'tool'
    default:
      return 'user'
  }
}

function readTool(tool: JsonRecord): readonly PromptTool[] {
  const custom = asRecord(tool['custom'])
  return custom === undefined ? readFunction(asRecord(tool['function']) ?? {}) : toolOf(custom['name'], undefined)
}

function readFunction(definition: JsonRecord): readonly PromptTool[] {
  return toolOf(definition['name'], definition['parameters'])
}

function readFormat(value: unknown): PromptFormat {
  const format = asRecord(value)
  if (format?.['type'] === 'json_object') return { kind: 'json' }
  if (format?.['type'] !== 'json_schema') return TEXT_FORMAT
  return schemaFormat(asRecord(format['json_schema'])?.['schema'])
}
