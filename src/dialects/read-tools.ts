import type { Need } from '../domain/routing/route.ts'
import { skipValue } from './json-scan.ts'
import { type WalkBudget, walkArray, walkObject, wordAt } from './json-walk.ts'

/** What the tools in the array at `at` need of a model, and the offset after it, or -1. */
export function readTools(
  bytes: Buffer,
  at: number,
  budget: WalkBudget,
): { readonly needs: readonly Need[]; readonly end: number } {
  const reading: ToolReading = { budget, type: '', needs: [] }
  const end = walkArray(bytes, at, reading, toolElement)
  return { needs: reading.needs, end }
}

/** `type` of the tool being walked, and what all of them need. */
type ToolReading = { readonly budget: WalkBudget; type: string; readonly needs: Need[] }

function toolElement(bytes: Buffer, at: number, reading: ToolReading): number {
  reading.type = ''
  const known = reading.needs.length
  const end = walkObject(bytes, at, reading, toolMember)
  // Gemini's tools have no type: their keys have said what they are.
  if (reading.type !== '' || reading.needs.length === known) add(reading.needs, toolNeed(reading.type))
  return end
}

function toolMember(bytes: Buffer, at: number, reading: ToolReading, key: string): number {
  const end = skipValue(bytes, at)
  if (key === 'type') reading.type = wordAt(bytes, at, end)
  else if (key === 'functionDeclarations' || key === 'function_declarations') add(reading.needs, 'tools')
  else if (GEMINI_HOSTED.has(key)) add(reading.needs, 'hosted_tools')
  return end
}

/** ai.google.dev/api/caching#Tool, in both spellings. */
const GEMINI_HOSTED: ReadonlySet<string> = new Set(
  [
    'google_search',
    'google_search_retrieval',
    'google_maps',
    'code_execution',
    'url_context',
    'file_search',
    'mcp_servers',
  ].flatMap((name) => [name, name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]),
)

/**
 * Tools that the provider itself runs, by how their type begins. All others are the client's to run, those that a
 * provider has defined (`bash_20250124`, `computer_use_preview`) included.
 */
const HOSTED =
  /^(?:web_search|web_fetch|code_execution|code_interpreter|file_search|image_generation|mcp|tool_search|advisor)/

function toolNeed(type: string): Need {
  return HOSTED.test(type) ? 'hosted_tools' : 'tools'
}

function add(needs: Need[], needed: Need): void {
  if (!needs.includes(needed)) needs.push(needed)
}
