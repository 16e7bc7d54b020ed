import { asRecord, countOf, type JsonRecord } from './json-value.ts'

/** The counts of one Anthropic usage object as stated; undefined where it is silent. */
export type AnthropicCounts = {
  readonly input: number | undefined
  readonly cacheRead: number | undefined
  readonly cacheWrite: number | undefined
  readonly cacheWrite5m: number | undefined
  readonly cacheWrite1h: number | undefined
  readonly output: number | undefined
  readonly thinking: number | undefined
  readonly webSearches: number | undefined
}

/** Reads one usage object (of a message, a `message_start`, a `message_delta` or an iteration). */
export function countsOf(usage: JsonRecord): AnthropicCounts {
  const creation = asRecord(usage['cache_creation'])
  return {
    input: countOf(usage['input_tokens']),
    cacheRead: countOf(usage['cache_read_input_tokens']),
    cacheWrite: countOf(usage['cache_creation_input_tokens']),
    cacheWrite5m: countOf(creation?.['ephemeral_5m_input_tokens']),
    cacheWrite1h: countOf(creation?.['ephemeral_1h_input_tokens']),
    output: countOf(usage['output_tokens']),
    thinking: countOf(asRecord(usage['output_tokens_details'])?.['thinking_tokens']),
    webSearches: countOf(asRecord(usage['server_tool_use'])?.['web_search_requests']),
  }
}

/** Both halves of a streamed usage. The counts are cumulative, so the larger of two is the later. */
export function mergedCounts(a: AnthropicCounts, b: AnthropicCounts): AnthropicCounts {
  return {
    input: larger(a.input, b.input),
    cacheRead: larger(a.cacheRead, b.cacheRead),
    cacheWrite: larger(a.cacheWrite, b.cacheWrite),
    cacheWrite5m: larger(a.cacheWrite5m, b.cacheWrite5m),
    cacheWrite1h: larger(a.cacheWrite1h, b.cacheWrite1h),
    output: larger(a.output, b.output),
    thinking: larger(a.thinking, b.thinking),
    webSearches: larger(a.webSearches, b.webSearches),
  }
}

function larger(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.max(a, b)
}
