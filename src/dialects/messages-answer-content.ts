import type { ContentParts, ContentReader } from './content-parts.ts'
import { compactJson, jsonText } from './json-text.ts'
import { asRecord, countOf, type JsonRecord, parseJson, recordsOf } from './json-value.ts'

/** Anthropic messages: text and `tool_use` blocks; thinking and tools of the server's are left out. */
export function messagesContent(parts: ContentParts): ContentReader {
  const openBlock = (key: string, block: JsonRecord): void => {
    if (block['type'] === 'text') parts.addText(block['text'])
    else if (block['type'] === 'tool_use') parts.addCall(key, block['name'], '')
  }

  const closeBlock = (key: string): void =>
    // A call without arguments streams none, and is `{}` in a plain answer.
    parts.rewriteCall(key, (written) => (written === '' ? '{}' : compactJson(written)))

  return {
    event: ({ data }) => {
      const chunk = asRecord(parseJson(data))
      if (chunk === undefined) return
      const key = String(countOf(chunk['index']) ?? 0)
      switch (chunk['type']) {
        case 'content_block_start':
          return openBlock(key, asRecord(chunk['content_block']) ?? {})
        case 'content_block_delta': {
          const delta = asRecord(chunk['delta'])
          if (delta?.['type'] === 'text_delta') parts.addText(delta['text'])
          else if (delta?.['type'] === 'input_json_delta') parts.continueCall(key, delta['partial_json'])
          return
        }
        case 'content_block_stop':
          return closeBlock(key)
      }
    },
    body: (whole) => {
      for (const [index, block] of recordsOf(whole['content']).entries()) {
        openBlock(String(index), block)
        if (block['type'] === 'tool_use') parts.continueCall(String(index), jsonText(block['input'] ?? {}))
      }
    },
  }
}
