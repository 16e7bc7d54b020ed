import type { Usage } from '../domain/usage.ts'
import { asRecord, countOf, type JsonRecord } from './json-value.ts'
import { statedCostOf } from './stated-cost.ts'

/** What a usage object itself does not say. */
export type UsageContext = {
  readonly serviceTier: string | undefined
  readonly webSearchRequests: number
  readonly isPartial: boolean
}

/**
 * Turns an OpenAI `usage` object into disjoint buckets: `prompt_tokens`/`completion_tokens` (chat, completions,
 * embeddings) or `input_tokens`/`output_tokens` (Responses), and what compatible providers make of them.
 * Undefined when it states no count at all. When it states one side only and no total to infer the other from, the
 * result is partial: at least this much was used.
 *
 * Inputs hold the cached, cache-writing and audio tokens; outputs hold reasoning, audio and both accepted and rejected
 * prediction tokens, all billed (developers.openai.com/api/reference, CompletionUsage).
 */
export function openaiUsage(raw: unknown, context: UsageContext): Usage | undefined {
  const usage = asRecord(raw)
  if (usage === undefined) return undefined
  const total = countOf(usage['total_tokens'])
  const statedInput = countOf(usage['prompt_tokens'] ?? usage['input_tokens'])
  const statedOutput = countOf(usage['completion_tokens'] ?? usage['output_tokens'])
  if (statedInput === undefined && statedOutput === undefined) return undefined
  const output = statedOutput ?? difference(total, statedInput)
  const cached = cachedTokens(usage)
  const isBeside = isCachedBeside(usage, cached, statedInput, output, total)
  const input = statedInput === undefined ? difference(total, statedOutput) : statedInput + (isBeside ? cached : 0)
  const read: Usage = {
    ...inputBuckets(usage, input ?? 0, cached),
    ...outputBuckets(usage, output ?? 0, hiddenReasoning(usage, input, output, total)),
    providerInputTokens: statedInput,
    providerOutputTokens: statedOutput,
    webSearchRequests: context.webSearchRequests,
    serviceTier: context.serviceTier,
    parts: [],
    isPartial: context.isPartial || input === undefined || output === undefined,
  }
  const statedCost = statedCostOf(usage)
  return statedCost === undefined ? read : { ...read, statedCost }
}

function difference(total: number | undefined, part: number | undefined): number | undefined {
  return total === undefined || part === undefined || part > total ? undefined : total - part
}

type InputBuckets = Pick<
  Usage,
  'uncachedInputTokens' | 'cacheReadTokens' | 'cacheWrite5mTokens' | 'cacheWrite1hTokens' | 'audioInputTokens'
>

/**
 * Tokens read from a cache, wherever they are stated: DeepSeek (`prompt_cache_hit_tokens`), Moonshot (`cached_tokens`)
 * and Mistral (`num_cached_tokens`, `prompt_token_details`) have places of their own, perhaps beside a zero in the common
 * one.
 */
function cachedTokens(usage: JsonRecord): number {
  return Math.max(
    countOf(inputDetails(usage)?.['cached_tokens']) ?? 0,
    countOf(asRecord(usage['prompt_token_details'])?.['cached_tokens']) ?? 0,
    countOf(usage['prompt_cache_hit_tokens']) ?? 0,
    countOf(usage['num_cached_tokens']) ?? 0,
    countOf(usage['cached_tokens']) ?? 0,
  )
}

/**
 * Whether the input leaves the cached tokens out. It holds them nearly everywhere, but not in some answers of xAI's: there
 * are more of them than of input then, and the total holds both (github.com/vercel/ai,
 * packages/xai/src/convert-xai-chat-usage.test.ts).
 */
function isCachedBeside(
  usage: JsonRecord,
  cached: number,
  input: number | undefined,
  output: number | undefined,
  total: number | undefined,
): boolean {
  if (input === undefined || cached <= input || output === undefined || total === undefined) return false
  const rest = total - input - output - cached
  return rest === 0 || rest === statedReasoning(usage)
}

/** Parts larger than the whole are cut to it, in the order of what is surest: the buckets always sum to `input`. */
function inputBuckets(usage: JsonRecord, input: number, cached: number): InputBuckets {
  const details = inputDetails(usage)
  const cacheReadTokens = Math.min(cached, input)
  const written = Math.min(countOf(details?.['cache_write_tokens']) ?? 0, input - cacheReadTokens)
  // OpenAI keeps for 30 minutes or for 12 hours: the short and the long bucket, each with a price of its own.
  const long = countOf(asRecord(details?.['cache_write_tokens_details'])?.['ttl_12h_tokens']) ?? 0
  const cacheWrite1hTokens = Math.min(long, written)
  const audioInputTokens = Math.min(countOf(details?.['audio_tokens']) ?? 0, input - cacheReadTokens - written)
  return {
    uncachedInputTokens: input - cacheReadTokens - written - audioInputTokens,
    cacheReadTokens,
    cacheWrite5mTokens: written - cacheWrite1hTokens,
    cacheWrite1hTokens,
    audioInputTokens,
  }
}

/**
 * Reasoning tokens that the stated output leaves out. OpenAI, DeepSeek, Groq and Mistral count reasoning inside the
 * output; xAI counts it beside (docs.x.ai: "counted separately from completion_tokens, but … in the total_tokens"),
 * and so does Gemini's compatible endpoint, without even naming it. The total tells.
 */
function hiddenReasoning(
  usage: JsonRecord,
  input: number | undefined,
  output: number | undefined,
  total: number | undefined,
): number {
  if (input === undefined || output === undefined) return 0
  const reasoning = statedReasoning(usage)
  if (total === undefined) return reasoning > output ? reasoning : 0
  const unaccounted = total - input - output
  return unaccounted > 0 && (reasoning === 0 || reasoning === unaccounted) ? unaccounted : 0
}

function outputBuckets(
  usage: JsonRecord,
  output: number,
  hidden: number,
): Pick<Usage, 'textOutputTokens' | 'reasoningTokens' | 'audioOutputTokens'> {
  const details = outputDetails(usage)
  const reasoningTokens = hidden > 0 ? hidden : Math.min(statedReasoning(usage), output)
  const rest = hidden > 0 ? output : output - reasoningTokens
  const audioOutputTokens = Math.min(countOf(details?.['audio_tokens']) ?? 0, rest)
  return { textOutputTokens: rest - audioOutputTokens, reasoningTokens, audioOutputTokens }
}

function statedReasoning(usage: JsonRecord): number {
  return countOf(outputDetails(usage)?.['reasoning_tokens']) ?? countOf(usage['reasoning_tokens']) ?? 0
}

function inputDetails(usage: JsonRecord): JsonRecord | undefined {
  return asRecord(usage['prompt_tokens_details'] ?? usage['input_tokens_details'])
}

function outputDetails(usage: JsonRecord): JsonRecord | undefined {
  return asRecord(usage['completion_tokens_details'] ?? usage['output_tokens_details'])
}
