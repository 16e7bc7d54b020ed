import type { KeyForm, RateLimitHeaders, StatedCost } from '../domain/provider-traits.ts'
import type { Dialect } from '../domain/request.ts'

/** What is known of a kind of provider, in the words of the config file; what is not said is the dialect's own. */
export type ProviderKind = {
  readonly dialect: Dialect
  /** Absent where every customer has an address of their own. */
  readonly base_url?: string
  readonly auth?: KeyForm
  readonly priced_as?: string
  /** Absent = false: where it is not known to be understood, an unasked field may be a 400. */
  readonly include_usage?: true
  readonly paths?: Readonly<Record<string, string>>
  readonly stated_cost?: StatedCost
  readonly rate_limit_headers?: RateLimitHeaders
  readonly refuses?: readonly string[]
}

/** Clients may leave out `/v1`, as the provider's own documentation does. */
const WITH_OR_WITHOUT_V1 = { '/v1': '/v1', '/': '/' }
/** The provider's API is at its base URL itself, where clients of OpenAI's expect `/v1`. */
const WITHOUT_V1 = { '/v1': '/', '/': '/' }

/**
 * Every kind of provider that the config knows by name. A row holds only what could be looked up, with its source; what
 * could not be is left out, and so off. `priced_as` are ids of @pydantic/genai-prices; servers of one's own have none, so
 * that their calls are unpriced until the file gives a price. Reviewed on 2026-11-20.
 */
const PROVIDER_KINDS: Readonly<Record<string, ProviderKind>> = {
  // developers.openai.com/api/reference: base URL, stream_options, rate-limit headers.
  openai: {
    dialect: 'openai',
    base_url: 'https://api.openai.com',
    priced_as: 'openai',
    include_usage: true,
    rate_limit_headers: 'openai',
  },
  // platform.claude.com/docs: "Authentication", "Rate limits".
  anthropic: {
    dialect: 'anthropic',
    base_url: 'https://api.anthropic.com',
    priced_as: 'anthropic',
    rate_limit_headers: 'anthropic',
  },
  // ai.google.dev/api.
  gemini: { dialect: 'gemini', base_url: 'https://generativelanguage.googleapis.com', priced_as: 'google' },
  // ai.google.dev/gemini-api/docs/openai: base URL, bearer. Streams end with usage unasked
  // (discuss.ai.google.dev/t/92785); not found: whether it takes stream_options.
  'gemini-openai': {
    dialect: 'openai',
    base_url: 'https://generativelanguage.googleapis.com/v1beta/openai',
    priced_as: 'google',
    paths: WITHOUT_V1,
  },
  // learn.microsoft.com/azure/ai-foundry/openai/latest: path, api-key. The v1 API takes stream_options as OpenAI does.
  azure: {
    dialect: 'openai',
    auth: 'api-key',
    priced_as: 'azure',
    include_usage: true,
    paths: { '/v1': '/openai/v1', '/openai/v1': '/openai/v1' },
  },
  // The same resources by deployment and dated api-version. Versions before 2024-09-01-preview and calls with data_sources
  // answer stream_options with a 400 (github.com/Azure/azure-sdk-for-js/issues/30751, griptape-ai/griptape/issues/1640).
  'azure-deployments': {
    dialect: 'openai',
    auth: 'api-key',
    priced_as: 'azure',
    paths: { '/openai/deployments/*': '/openai/deployments/*' },
  },
  // docs.mistral.ai/api. Streams end with usage unasked; stream_options was a 422 (github.com/avante-corp/avante.nvim/issues/2347).
  mistral: {
    dialect: 'openai',
    base_url: 'https://api.mistral.ai',
    priced_as: 'mistral',
    refuses: ['stream_options'],
  },
  // api-docs.deepseek.com: "Your First API Call"; stream_options: github.com/vercel/ai, packages/deepseek.
  deepseek: {
    dialect: 'openai',
    base_url: 'https://api.deepseek.com',
    priced_as: 'deepseek',
    include_usage: true,
    paths: WITH_OR_WITHOUT_V1,
  },
  // api-docs.deepseek.com/guides/anthropic_api: "x-api-key: Fully Supported".
  'deepseek-anthropic': {
    dialect: 'anthropic',
    base_url: 'https://api.deepseek.com/anthropic',
    priced_as: 'deepseek',
  },
  // console.groq.com/docs/openai, /docs/rate-limits; stream_options: github.com/Portkey-AI/gateway/issues/1338.
  groq: {
    dialect: 'openai',
    base_url: 'https://api.groq.com/openai',
    priced_as: 'groq',
    include_usage: true,
    rate_limit_headers: 'openai',
  },
  // docs.x.ai; stream_options: github.com/vercel/ai, packages/xai; cost_in_usd_ticks: fixtures xai-*.
  xai: {
    dialect: 'openai',
    base_url: 'https://api.x.ai',
    priced_as: 'x-ai',
    include_usage: true,
    stated_cost: 'cost_in_usd_ticks',
  },
  // docs.together.ai, "OpenAI compatibility"; stream_options: github.com/vercel/ai, packages/togetherai.
  together: { dialect: 'openai', base_url: 'https://api.together.ai', priced_as: 'together', include_usage: true },
  // docs.fireworks.ai/tools-sdks/openai-compatibility; stream_options: github.com/vercel/ai/pull/16087.
  fireworks: {
    dialect: 'openai',
    base_url: 'https://api.fireworks.ai/inference',
    priced_as: 'fireworks',
    include_usage: true,
  },
  // openrouter.ai/docs/use-cases/usage-accounting: usage with its cost comes unasked, asking has no effect any more.
  openrouter: {
    dialect: 'openai',
    base_url: 'https://openrouter.ai/api',
    priced_as: 'openrouter',
    stated_cost: 'cost',
  },
  // inference-docs.cerebras.ai/resources/openai: base URL, refused fields. Not found: whether it takes stream_options.
  cerebras: {
    dialect: 'openai',
    base_url: 'https://api.cerebras.ai',
    priced_as: 'cerebras',
    rate_limit_headers: 'cerebras',
    refuses: ['frequency_penalty', 'logit_bias', 'presence_penalty'],
  },
  // docs.perplexity.ai/docs/grounded-llm/openai-compatibility: /v1/responses. Its chat completions, without /v1, ended in
  // September 2026; what still answers there is read.
  perplexity: {
    dialect: 'openai',
    base_url: 'https://api.perplexity.ai',
    priced_as: 'perplexity',
    paths: WITH_OR_WITHOUT_V1,
    stated_cost: 'cost.total_cost',
  },
  // platform.kimi.ai/docs/api/overview; stream_options: github.com/vercel/ai, packages/moonshotai.
  moonshot: {
    dialect: 'openai',
    base_url: 'https://api.moonshot.ai',
    priced_as: 'moonshotai',
    include_usage: true,
  },
  // platform.kimi.ai/docs: Claude Code is pointed at it with ANTHROPIC_AUTH_TOKEN, which goes as a bearer token.
  'moonshot-anthropic': {
    dialect: 'anthropic',
    base_url: 'https://api.moonshot.ai/anthropic',
    auth: 'bearer',
    priced_as: 'moonshotai',
  },
  // docs.z.ai/guides/develop/openai/python. Not found: whether it takes stream_options.
  zai: { dialect: 'openai', base_url: 'https://api.z.ai/api/paas/v4', priced_as: 'zai', paths: WITHOUT_V1 },
  // docs.z.ai/scenario-example/develop-tools/claude: ANTHROPIC_AUTH_TOKEN, as above.
  'zai-anthropic': {
    dialect: 'anthropic',
    base_url: 'https://api.z.ai/api/anthropic',
    auth: 'bearer',
    priced_as: 'zai',
  },
  // docs.vllm.ai, "OpenAI-Compatible Server": port, --api-key; stream_options in its request types.
  vllm: { dialect: 'openai', base_url: 'http://127.0.0.1:8000', include_usage: true },
  // docs.ollama.com/api/openai-compatibility: a key is "required but ignored", so none is sent.
  ollama: { dialect: 'openai', base_url: 'http://127.0.0.1:11434', auth: 'none', include_usage: true },
  // lmstudio.ai/docs/app/api-changelog: stream_options since 0.3.18. Needs no key.
  'lm-studio': { dialect: 'openai', base_url: 'http://127.0.0.1:1234', auth: 'none', include_usage: true },
  // github.com/ggml-org/llama.cpp, tools/server: port, --api-key, stream_options; the API also stands without /v1.
  'llama-cpp': {
    dialect: 'openai',
    base_url: 'http://127.0.0.1:8080',
    include_usage: true,
    paths: WITH_OR_WITHOUT_V1,
  },
  // docs.sglang.io/basic_usage/openai_api: port, --api-key; stream_options in its request types.
  sglang: { dialect: 'openai', base_url: 'http://127.0.0.1:30000', include_usage: true },
  // docs.litellm.ai/docs/simple_proxy: port; stream_options: github.com/BerriAI/litellm/issues/3490, headers: issues/10667.
  litellm: {
    dialect: 'openai',
    base_url: 'http://127.0.0.1:4000',
    include_usage: true,
    rate_limit_headers: 'openai',
  },
}

const BY_NAME: ReadonlyMap<string, ProviderKind> = new Map(Object.entries(PROVIDER_KINDS))

/** The kind of this name; undefined when there is none. */
export function kindNamed(name: string): ProviderKind | undefined {
  return BY_NAME.get(name)
}

/** Every kind's name, in alphabetical order. */
export const KIND_NAMES: readonly string[] = [...BY_NAME.keys()].toSorted()

/** The hosted kind that is at `baseUrl` itself: what is known of it holds there whatever the file calls it. */
export function kindAt(baseUrl: string, dialect: unknown): string | undefined {
  const address = baseUrl.replace(/\/+$/, '')
  for (const [name, kind] of BY_NAME) {
    if (kind.dialect === dialect && kind.base_url === address && address.startsWith('https:')) return name
  }
  return undefined
}
