import { NOTHING_USED, type Usage, type UsagePart } from '../domain/usage.ts'
import { countOf, type JsonRecord, recordsOf } from './json-value.ts'

/** What a usage object itself does not say. */
export type GeminiContext = {
  readonly model: string | undefined
  readonly webSearchRequests: number
  readonly isPartial: boolean
}

/**
 * Turns a Gemini `usageMetadata` into disjoint buckets; undefined when it states no count. Its JSON leaves out zeros,
 * so what is absent is none, not unknown.
 *
 * `promptTokenCount` holds the cached tokens; results of the provider's own tools, which the model reads as input
 * (`toolUsePromptTokenCount`), and thoughts come beside prompt and candidates; the total is the sum of these four
 * (ai.google.dev/api/generate-content, UsageMetadata).
 */
export function geminiUsage(raw: JsonRecord, context: GeminiContext): Usage | undefined {
  const stated = { input: countOf(raw['promptTokenCount']), output: countOf(raw['candidatesTokenCount']) }
  const total = countOf(raw['totalTokenCount'])
  if (stated.input === undefined && stated.output === undefined && total === undefined) return undefined
  const tools = countOf(raw['toolUsePromptTokenCount']) ?? 0
  const { input, output, reasoning } = totalsOf(raw, stated, total, tools)
  const inputs = inputBuckets(raw, input, tools)
  const outputs = outputBuckets(raw, output)
  const serviceTier = tierOf(raw)
  const { cacheReadTokens } = inputs
  const apart: readonly Apart[] = [
    {
      kind: 'audio',
      bucket: 'cacheReadTokens',
      tokens: Math.min(tokensOf(raw, 'cacheTokensDetails', 'AUDIO'), cacheReadTokens),
    },
    { kind: 'image', bucket: 'textOutputTokens', tokens: outputs.image },
    { kind: 'video', bucket: 'textOutputTokens', tokens: outputs.video },
  ]
  const usage: Usage = {
    ...NOTHING_USED,
    ...inputs,
    textOutputTokens: output - outputs.audio,
    reasoningTokens: reasoning,
    audioOutputTokens: outputs.audio,
    providerInputTokens: stated.input,
    providerOutputTokens: stated.output,
    webSearchRequests: context.webSearchRequests,
    serviceTier,
    isPartial: context.isPartial,
  }
  return { ...usage, parts: partsOf(usage, apart, context.model ?? '') }
}

/** As `geminiUsage` for embeddings, whose images and videos, too, have prices of their own. */
export function embeddingUsage(raw: JsonRecord): Usage | undefined {
  const usage = geminiUsage(raw, { model: undefined, webSearchRequests: 0, isPartial: false })
  if (usage === undefined) return undefined
  const image = Math.min(tokensOf(raw, 'promptTokensDetails', 'IMAGE'), usage.uncachedInputTokens)
  const video = Math.min(tokensOf(raw, 'promptTokensDetails', 'VIDEO'), usage.uncachedInputTokens - image)
  const apart: readonly Apart[] = [
    { kind: 'image', bucket: 'uncachedInputTokens', tokens: image },
    { kind: 'video', bucket: 'uncachedInputTokens', tokens: video },
  ]
  return { ...usage, parts: partsOf(usage, apart, '') }
}

type Totals = { readonly input: number; readonly output: number; readonly reasoning: number }

/** What is not stated follows from the total. Thoughts that the total does not count beside the candidates are in them. */
function totalsOf(
  raw: JsonRecord,
  stated: { readonly input: number | undefined; readonly output: number | undefined },
  total: number | undefined,
  tools: number,
): Totals {
  const thoughts = countOf(raw['thoughtsTokenCount'])
  const unstated = (known: number): number => Math.max(0, (total ?? 0) - tools - known)
  const input = stated.input ?? unstated((stated.output ?? 0) + (thoughts ?? 0))
  const output = stated.output ?? unstated(input + (thoughts ?? 0))
  const unaccounted = total === undefined ? 0 : total - input - output - tools
  // Early thinking models counted thoughts in the total without naming them.
  if (thoughts === undefined)
    return { input, output, reasoning: stated.output === undefined ? 0 : Math.max(0, unaccounted) }
  const isInside = total !== undefined && unaccounted === 0 && thoughts <= output && stated.output !== undefined
  return { input, output: isInside ? output - thoughts : output, reasoning: thoughts }
}

type InputBuckets = Pick<Usage, 'uncachedInputTokens' | 'cacheReadTokens' | 'audioInputTokens'>

/** Parts larger than the whole are cut to it: the buckets always sum to the prompt and the tools' results. */
function inputBuckets(raw: JsonRecord, input: number, tools: number): InputBuckets {
  const cacheReadTokens = Math.min(countOf(raw['cachedContentTokenCount']) ?? 0, input)
  const cachedAudio = tokensOf(raw, 'cacheTokensDetails', 'AUDIO')
  const audio = Math.max(0, tokensOf(raw, 'promptTokensDetails', 'AUDIO') - cachedAudio)
  const audioInputTokens = Math.min(audio, input - cacheReadTokens)
  return { uncachedInputTokens: input + tools - cacheReadTokens - audioInputTokens, cacheReadTokens, audioInputTokens }
}

function outputBuckets(
  raw: JsonRecord,
  output: number,
): { readonly audio: number; readonly image: number; readonly video: number } {
  const audio = Math.min(tokensOf(raw, 'candidatesTokensDetails', 'AUDIO'), output)
  const image = Math.min(tokensOf(raw, 'candidatesTokensDetails', 'IMAGE'), output - audio)
  const video = Math.min(tokensOf(raw, 'candidatesTokensDetails', 'VIDEO'), output - audio - image)
  return { audio, image, video }
}

/** Embeddings spell `promptTokenDetails`. */
const OTHER_SPELLINGS: Readonly<Record<string, string>> = { promptTokensDetails: 'promptTokenDetails' }

function tokensOf(raw: JsonRecord, details: string, modality: string): number {
  return recordsOf(raw[details] ?? raw[OTHER_SPELLINGS[details] ?? ''])
    .filter((detail) => detail['modality'] === modality)
    .reduce((sum, detail) => sum + (countOf(detail['tokenCount']) ?? 0), 0)
}

/** Tokens that are in a bucket and have another price than the rest of it. */
type Apart = {
  readonly kind: 'audio' | 'image' | 'video'
  readonly bucket: 'uncachedInputTokens' | 'cacheReadTokens' | 'textOutputTokens'
  readonly tokens: number
}

/** What has a price of its own, each a part, after what has not; none where all is at one price. */
function partsOf(usage: Usage, apart: readonly Apart[], model: string): readonly UsagePart[] {
  const found = apart.filter(({ tokens }) => tokens > 0)
  if (found.length === 0) return []
  const bare = { ...NOTHING_USED, isPartial: usage.isPartial, serviceTier: usage.serviceTier }
  const rest = {
    ...usage,
    providerInputTokens: undefined,
    providerOutputTokens: undefined,
    webSearchRequests: 0,
    parts: [],
  }
  for (const { bucket, tokens } of found) rest[bucket] -= tokens
  const tier = usage.serviceTier ?? 'standard'
  return [
    { model, usage: rest },
    ...found.map(({ kind, bucket, tokens }) => ({
      model,
      usage: { ...bare, [bucket]: tokens, serviceTier: `${tier}/${kind}` },
    })),
  ]
}

/** `serviceTier` of the Gemini API, `trafficType` of Vertex AI. */
function tierOf(raw: JsonRecord): string | undefined {
  const stated = raw['serviceTier'] ?? raw['trafficType']
  const tier = typeof stated === 'string' ? stated.slice(0, 40).toLowerCase() : undefined
  return tier === undefined || tier === '' || tier.endsWith('unspecified') ? undefined : tier
}
