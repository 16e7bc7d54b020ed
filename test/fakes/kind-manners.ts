import type { Spent } from '../../src/simulator/ask.ts'
import type { JsonObject } from '../../src/simulator/json.ts'
import type { Manners } from '../../src/simulator/manners.ts'

// What providers do, written down from their documentation apart from the catalogue that the proxy reads.

/** What the simulated providers that state a charge ask for a token, in pico-dollars. */
export const CHARGE = { input: 2_000_000, output: 6_000_000 }

export function chargeOf(spent: Spent): number {
  return inputOf(spent) * CHARGE.input + (spent.visibleOutput + spent.reasoning) * CHARGE.output
}

const inputOf = (spent: Spent): number => spent.uncachedInput + spent.cacheRead

/** Counts as all of them state them, reasoning inside the output. */
function counts(spent: Spent): { prompt_tokens: number; completion_tokens: number; total_tokens: number } {
  const [prompt_tokens, completion_tokens] = [inputOf(spent), spent.visibleOutput + spent.reasoning]
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

const reasoning = (spent: Spent): JsonObject => ({
  completion_tokens_details: { reasoning_tokens: spent.reasoning },
})
const cached = (spent: Spent): JsonObject => ({ prompt_tokens_details: { cached_tokens: spent.cacheRead } })

const SHAPES = {
  openai: (spent: Spent): JsonObject => ({ ...counts(spent), ...cached(spent), ...reasoning(spent) }),
  deepseek: (spent: Spent): JsonObject => ({
    ...counts(spent),
    ...reasoning(spent),
    prompt_cache_hit_tokens: spent.cacheRead,
    prompt_cache_miss_tokens: spent.uncachedInput,
  }),
  mistral: (spent: Spent): JsonObject => ({ ...counts(spent), num_cached_tokens: spent.cacheRead }),
  moonshot: (spent: Spent): JsonObject => ({ ...counts(spent), ...reasoning(spent), cached_tokens: spent.cacheRead }),
  /** Reasoning beside the output, in the total alone. */
  xai: (spent: Spent): JsonObject => ({
    ...counts(spent),
    ...cached(spent),
    ...reasoning(spent),
    completion_tokens: spent.visibleOutput,
    cost_in_usd_ticks: chargeOf(spent) / 100,
  }),
  openrouter: (spent: Spent): JsonObject => ({
    ...counts(spent),
    ...cached(spent),
    ...reasoning(spent),
    cost: chargeOf(spent) / 1e12,
    is_byok: false,
    cost_details: { upstream_inference_cost: null },
  }),
  perplexity: (spent: Spent): JsonObject => ({ ...counts(spent), cost: { total_cost: chargeOf(spent) / 1e12 } }),
  /** Thoughts are in the total alone, and not named. */
  gemini: (spent: Spent): JsonObject => ({ ...counts(spent), completion_tokens: spent.visibleOutput }),
}

const bearer = (root: string, shape: keyof typeof SHAPES, inStream: Manners['usage']['inStream']): Manners => ({
  root,
  keyHeader: 'authorization',
  usage: { shape: SHAPES[shape], inStream },
  refuses: [],
})

export type KindManners = {
  readonly manners: Manners
  /** Of its address, what stands before its API. */
  readonly prefix: string
  /** What its usage does not tell apart. */
  readonly hides: readonly ('cache' | 'reasoning' | 'stream')[]
  /** Whether it states what it charges, and so is priced. */
  readonly isCharged: boolean
}

const plain = { prefix: '', hides: [], isCharged: false } as const

/** Root and key header of those that speak Anthropic's dialect. */
export const ANTHROPIC_KINDS: readonly (readonly [kind: string, prefix: string, keyHeader: Manners['keyHeader']])[] = [
  ['deepseek-anthropic', '/anthropic', 'x-api-key'],
  ['moonshot-anthropic', '/anthropic', 'authorization'],
  ['zai-anthropic', '/api/anthropic', 'authorization'],
]

/** Those that speak OpenAI's, by kind. */
export const KIND_MANNERS: ReadonlyMap<string, KindManners> = new Map<string, KindManners>([
  ['azure', { ...plain, manners: { ...bearer('/openai/v1', 'openai', 'asked'), keyHeader: 'api-key' } }],
  [
    'azure-deployments',
    {
      ...plain,
      hides: ['stream'], // it is not asked for usage, as older versions would refuse it
      manners: {
        ...bearer('/openai/deployments/*', 'openai', 'asked'),
        keyHeader: 'api-key',
        refuses: ['stream_options'],
      },
    },
  ],
  [
    'mistral',
    { ...plain, hides: ['reasoning'], manners: { ...bearer('/v1', 'mistral', 'finish'), refuses: ['stream_options'] } },
  ],
  ['deepseek', { ...plain, manners: bearer('/v1', 'deepseek', 'asked') }],
  ['groq', { ...plain, prefix: '/openai', manners: bearer('/openai/v1', 'openai', 'x_groq') }],
  ['xai', { ...plain, isCharged: true, manners: bearer('/v1', 'xai', 'asked') }],
  ['together', { ...plain, manners: bearer('/v1', 'openai', 'finish') }],
  ['fireworks', { ...plain, prefix: '/inference', manners: bearer('/inference/v1', 'openai', 'asked') }],
  ['openrouter', { ...plain, prefix: '/api', isCharged: true, manners: bearer('/api/v1', 'openrouter', 'apart') }],
  [
    'cerebras',
    { ...plain, manners: { ...bearer('/v1', 'openai', 'finish'), refuses: ['stream_options', 'logit_bias'] } },
  ],
  [
    'perplexity',
    { ...plain, hides: ['cache', 'reasoning'], isCharged: true, manners: bearer('/v1', 'perplexity', 'each') },
  ],
  ['moonshot', { ...plain, manners: bearer('/v1', 'moonshot', 'asked') }],
  ['zai', { ...plain, prefix: '/api/paas/v4', manners: bearer('/api/paas/v4', 'openai', 'finish') }],
  [
    'gemini-openai',
    {
      ...plain,
      prefix: '/v1beta/openai',
      hides: ['cache'],
      manners: { ...bearer('/v1beta/openai', 'gemini', 'finish'), refuses: ['stream_options'] },
    },
  ],
  ['vllm', { ...plain, manners: bearer('/v1', 'openai', 'asked') }],
  ['ollama', { ...plain, manners: { ...bearer('/v1', 'openai', 'asked'), keyHeader: 'none' } }],
  ['lm-studio', { ...plain, manners: { ...bearer('/v1', 'openai', 'asked'), keyHeader: 'none' } }],
  ['llama-cpp', { ...plain, manners: bearer('/v1', 'openai', 'asked') }],
  ['sglang', { ...plain, manners: bearer('/v1', 'openai', 'asked') }],
  ['litellm', { ...plain, manners: bearer('/v1', 'openai', 'asked') }],
])
