import type { TextBudget } from './bounded-text.ts'
import { asRecord, type JsonRecord, recordsOf } from './json-value.ts'
import {
  type Attachments,
  contentText,
  type PromptReading,
  type PromptTurn,
  schemaFormat,
  TEXT_FORMAT,
  toolOf,
} from './prompt-reading.ts'

/** An Anthropic messages (or count_tokens) body. */
export function readMessagesPrompt(body: JsonRecord, budget: TextBudget): PromptReading {
  const attachments: Attachments = { hasImages: false, hasFiles: false }
  const system = contentText(body['system'], budget, attachments)
  const turns = recordsOf(body['messages'])
    .toReversed()
    .map((message): PromptTurn => ({
      role: roleOf(message),
      text: contentText(message['content'], budget, attachments),
    }))
    .reverse()
  const tools = recordsOf(body['tools'])
  const format = asRecord(asRecord(body['output_config'])?.['format']) ?? asRecord(body['output_format'])
  return {
    system,
    turns,
    tools: tools.flatMap((tool) => (isOwn(tool) ? toolOf(tool['name'], tool['input_schema']) : [])),
    format: format?.['type'] === 'json_schema' ? schemaFormat(format['schema']) : TEXT_FORMAT,
    ...attachments,
    hasHostedTools: tools.some((tool) => !isOwn(tool)) || recordsOf(body['mcp_servers']).length > 0,
    // A container keeps files and state between requests.
    hasStoredConversation: body['container'] !== undefined && body['container'] !== null,
    isBackground: false,
  }
}

/** A user's turn that begins with a tool's result is the tool's. */
function roleOf(message: JsonRecord): PromptTurn['role'] {
  if (message['role'] === 'assistant') return 'assistant'
  return recordsOf(message['content']).some(({ type }) => type === 'tool_result') ? 'tool' : 'user'
}

/** Tools that Anthropic defines and the client runs; all others with a type are the provider's. */
const OWN_TYPE = /^(?:custom$|bash_|text_editor_|computer_|memory_)/

function isOwn({ type }: JsonRecord): boolean {
  return type === undefined || type === null || (typeof type === 'string' && OWN_TYPE.test(type))
}
