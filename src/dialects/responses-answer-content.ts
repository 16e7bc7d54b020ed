import { createTextBudget, MAX_CONTENT_CHARS } from './bounded-text.ts'
import { type ContentParts, type ContentReader, createContentParts } from './content-parts.ts'
import { asRecord, countOf, type JsonRecord, parseJson, recordsOf } from './json-value.ts'

/**
 * The Responses API. A stream's last event repeats the whole response, so its items are taken as they come only for a
 * stream that is cut before it, or whose last event leaves them out.
 */
export function responsesContent(parts: ContentParts): ContentReader {
  // More than is kept, by a surrogate pair, so that what was clipped here is seen to be.
  const early = createContentParts(createTextBudget(MAX_CONTENT_CHARS + 2))

  const keepEarly = (name: string, chunk: JsonRecord): void => {
    const key = String(countOf(chunk['output_index']) ?? 0)
    if (name === 'response.output_text.delta') early.addText(chunk['delta'])
    else if (name === 'response.refusal.delta') early.addRefusal(chunk['delta'])
    else if (name === 'response.function_call_arguments.delta' || name === 'response.custom_tool_call_input.delta')
      early.continueCall(key, chunk['delta'])
    else if (name === 'response.output_item.added') {
      const item = asRecord(chunk['item']) ?? {}
      if (isCall(item)) early.addCall(key, item['name'], '')
    }
  }

  const keepWhole = (response: JsonRecord): boolean => {
    const output = recordsOf(response['output'])
    for (const [index, item] of output.entries()) keepItem(parts, item, String(index))
    return output.length > 0
  }

  let isWhole = false
  return {
    event: ({ data }) => {
      if (isWhole) return
      const chunk = asRecord(parseJson(data))
      const name = chunk?.['type']
      if (chunk === undefined || typeof name !== 'string') return
      if (!LAST_EVENTS.has(name)) return keepEarly(name, chunk)
      isWhole = true
      if (!keepWhole(asRecord(chunk['response']) ?? {})) copy(early, parts)
    },
    body: (whole) => void keepWhole(whole),
    end: () => {
      if (!isWhole) copy(early, parts)
    },
  }
}

const LAST_EVENTS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed'])

function isCall(item: JsonRecord): boolean {
  return item['type'] === 'function_call' || item['type'] === 'custom_tool_call'
}

function keepItem(parts: ContentParts, item: JsonRecord, key: string): void {
  if (isCall(item)) return parts.addCall(key, item['name'], item['arguments'] ?? item['input'])
  if (item['type'] !== 'message') return
  for (const part of recordsOf(item['content'])) {
    if (part['type'] === 'output_text') parts.addText(part['text'])
    else if (part['type'] === 'refusal') parts.addRefusal(part['refusal'])
  }
}

function copy(from: ContentParts, to: ContentParts): void {
  const { text, refusal, toolCalls } = from.all()
  to.addText(text)
  to.addRefusal(refusal)
  for (const [index, call] of toolCalls.entries()) to.addCall(String(index), call.name, call.argumentsText)
}
