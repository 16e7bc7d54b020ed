import type { ContentParts, ContentReader } from './content-parts.ts'
import { jsonText } from './json-text.ts'
import { asRecord, countOf, type JsonRecord, parseJson, recordsOf } from './json-value.ts'

/** Chat completions and legacy completions, of OpenAI and of the many that speak like it. */
export function chatContent(parts: ContentParts): ContentReader {
  let lastCall = 0
  const calls = new Map<string, number>()

  const keepCall = (call: JsonRecord): void => {
    const id = typeof call['id'] === 'string' ? call['id'] : undefined
    // Some servers leave the index out: a new id is a new call then, and no id goes on with the last one.
    const known = id === undefined ? lastCall : (calls.get(id) ?? calls.size)
    const index = countOf(call['index']) ?? known
    if (id !== undefined) calls.set(id, index)
    lastCall = index
    const body = asRecord(call['function']) ?? asRecord(call['custom'])
    const written = body?.['arguments'] ?? body?.['input']
    // Servers that parse the arguments for their clients send an object.
    parts.addCall(String(index), body?.['name'], typeof written === 'object' ? jsonText(written) : written)
  }

  const keep = (chunk: JsonRecord): void => {
    const choice = firstChoice(chunk['choices'])
    if (choice === undefined) return
    parts.addText(choice['text'])
    const message = asRecord(choice['delta']) ?? asRecord(choice['message'])
    if (message === undefined) return
    addContent(parts, message['content'])
    parts.addRefusal(message['refusal'])
    for (const call of recordsOf(message['tool_calls'])) keepCall(call)
    const legacy = asRecord(message['function_call'])
    if (legacy !== undefined) parts.addCall('function_call', legacy['name'], legacy['arguments'])
  }

  return {
    event: ({ data }) => {
      const chunk = data === '[DONE]' ? undefined : asRecord(parseJson(data))
      if (chunk !== undefined) keep(chunk)
    },
    body: keep,
  }
}

/** Text, or, as Mistral has it, parts of which some are text and some the model's thinking. */
function addContent(parts: ContentParts, content: unknown): void {
  if (typeof content === 'string') return parts.addText(content)
  for (const part of recordsOf(content)) {
    if (part['type'] === 'text') parts.addText(part['text'])
    else if (part['type'] === 'refusal') parts.addRefusal(part['refusal'])
  }
}

function firstChoice(choices: unknown): JsonRecord | undefined {
  const records = recordsOf(choices)
  return records.find((choice) => choice['index'] === 0) ?? records.find((choice) => choice['index'] === undefined)
}
