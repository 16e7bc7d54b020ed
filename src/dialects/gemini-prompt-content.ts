import type { TextBudget } from './bounded-text.ts'
import { jsonText } from './json-text.ts'
import { asRecord, type JsonRecord, recordsOf } from './json-value.ts'
import {
  type Attachments,
  type PromptFormat,
  type PromptReading,
  type PromptTurn,
  schemaFormat,
  TEXT_FORMAT,
  toolOf,
} from './prompt-reading.ts'

/** A generateContent body. Gemini takes every name in camel case and in snake case. */
export function readGeneratePrompt(body: JsonRecord, budget: TextBudget): PromptReading {
  const attachments: Attachments = { hasImages: false, hasFiles: false }
  const tools = recordsOf(body['tools'])
  return {
    system: partsText(contentOf(either(body, 'systemInstruction')), budget, attachments),
    turns: contentsOf(body['contents'])
      .toReversed()
      .map((content) => readTurn(content, budget, attachments))
      .reverse(),
    tools: tools
      .flatMap((tool) => recordsOf(either(tool, 'functionDeclarations')))
      .flatMap((declared) =>
        toolOf(declared['name'], either(declared, 'parametersJsonSchema') ?? declared['parameters']),
      ),
    format: readFormat(asRecord(either(body, 'generationConfig')) ?? {}),
    ...attachments,
    // Every other member of a tool is one that Google runs: googleSearch, codeExecution, urlContext …
    hasHostedTools: tools.some((tool) => Object.keys(tool).some((key) => !/^function_?declarations$/i.test(key))),
    hasStoredConversation: either(body, 'cachedContent') !== undefined,
    isBackground: false,
  }
}

/** The member called so in camel case, else in snake case. */
function either(record: JsonRecord, camel: string): unknown {
  return record[camel] ?? record[camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]
}

/** One content or several, and a plain string for one of text, as the API takes them. */
function contentsOf(contents: unknown): readonly JsonRecord[] {
  return Array.isArray(contents) ? recordsOf(contents) : [contentOf(contents)]
}

function contentOf(value: unknown): JsonRecord {
  return typeof value === 'string' ? { parts: [{ text: value }] } : (asRecord(value) ?? {})
}

function readTurn(content: JsonRecord, budget: TextBudget, attachments: Attachments): PromptTurn {
  const isResult = recordsOf(content['parts']).some((part) => either(part, 'functionResponse') !== undefined)
  const isTool = isResult || content['role'] === 'function'
  const role = content['role'] === 'model' ? 'assistant' : isTool ? 'tool' : 'user'
  return { role, text: partsText(content, budget, attachments) }
}

function partsText(content: JsonRecord, budget: TextBudget, attachments: Attachments): string {
  const { parts } = content
  const texts: string[] = []
  for (const part of Array.isArray(parts) ? recordsOf(parts) : [asRecord(parts) ?? {}]) {
    const file = asRecord(either(part, 'inlineData')) ?? asRecord(either(part, 'fileData'))
    if (file !== undefined) {
      const type = either(file, 'mimeType')
      if (typeof type === 'string' && type.startsWith('image/')) attachments.hasImages = true
      else attachments.hasFiles = true
    }
    const result = asRecord(either(part, 'functionResponse'))
    const text = budget.take(result === undefined ? part['text'] : jsonText(result['response']))
    if (text !== '') texts.push(text)
  }
  return texts.join('\n')
}

function readFormat(config: JsonRecord): PromptFormat {
  const schema = either(config, 'responseJsonSchema') ?? either(config, 'responseSchema')
  if (asRecord(schema) !== undefined) return schemaFormat(schema)
  return either(config, 'responseMimeType') === 'application/json' ? { kind: 'json' } : TEXT_FORMAT
}
