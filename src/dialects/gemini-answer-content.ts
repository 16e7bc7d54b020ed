import type { ContentParts, ContentReader } from './content-parts.ts'
import { jsonText } from './json-text.ts'
import { asRecord, type JsonRecord, parseJson, recordsOf } from './json-value.ts'

/** Gemini's generateContent: text that is no thought, and function calls, which are never split over chunks. */
export function generatedContent(parts: ContentParts): ContentReader {
  let calls = 0
  const keep = (chunk: JsonRecord): void => {
    const candidate = recordsOf(chunk['candidates']).find(({ index }) => index === undefined || index === 0)
    for (const part of recordsOf(asRecord(candidate?.['content'])?.['parts'])) {
      const call = asRecord(part['functionCall'])
      if (call !== undefined) parts.addCall(String(calls++), call['name'], jsonText(call['args'] ?? {}))
      else if (part['thought'] !== true) parts.addText(part['text'])
    }
  }
  return {
    event: ({ data }) => {
      const chunk = asRecord(parseJson(data))
      if (chunk !== undefined) keep(chunk)
    },
    body: keep,
  }
}
