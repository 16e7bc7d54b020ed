import type { Unit } from '../domain/units.ts'
import { drawSequence, pickFrom } from './draw.ts'
import { fillerText } from './filler-text.ts'
import { arithmeticQuestion, choiceQuestion, extractionQuestion, ORDER_SCHEMA } from './known-questions.ts'

export type TrafficKind = 'support' | 'code' | 'extraction' | 'math' | 'choice' | 'long_context' | 'agent' | 'search'

/** One request that an application might send: the body for the SDK's own call, and who sends it. */
export type TrafficRequest = {
  /** From 0. */
  readonly ordinal: number
  readonly kind: TrafficKind
  readonly call: TrafficCall
  readonly team: string
  readonly user: string
  /** Several requests in a row belong to one session. */
  readonly session: string
  readonly tags: Readonly<Record<string, string>>
  /** The right answer, where there is one: the text of the model's answer contains it (or equals it as JSON). */
  readonly expected: string | undefined
}

/** Told apart by API; each body fits that API's `create` in the provider's SDK. */
export type TrafficCall =
  | { readonly api: 'chat_completions'; readonly body: ChatBody }
  | {
      readonly api: 'responses'
      readonly body: { model: string; instructions: string; input: string; stream: boolean }
    }
  | { readonly api: 'messages'; readonly body: MessagesBody }
  | { readonly api: 'embeddings'; readonly body: { model: string; input: string } }

type ChatBody = {
  model: string
  messages: ({ role: 'system'; content: string } | { role: 'user'; content: string })[]
  stream: boolean
  tools?: { type: 'function'; function: { name: string; description: string; parameters: Record<string, unknown> } }[]
  response_format?: {
    type: 'json_schema'
    json_schema: { name: string; strict: boolean; schema: Record<string, unknown> }
  }
}

type MessagesBody = {
  model: string
  max_tokens: number
  system: { type: 'text'; text: string; cache_control?: { type: 'ephemeral' } }[]
  messages: { role: 'user'; content: string }[]
  stream: boolean
}

export type TrafficOptions = {
  readonly seed: number
  readonly count: number
  /** Models to ask, by API; well-known names unless told otherwise. */
  readonly openaiModels?: readonly string[]
  readonly anthropicModels?: readonly string[]
  readonly embeddingModel?: string
}

/** `count` requests of all kinds; the same options give the same requests. */
export function* traffic(options: TrafficOptions): Generator<TrafficRequest> {
  const { seed, count } = options
  for (let ordinal = 0; ordinal < count; ordinal += 1) {
    const next = drawSequence(seed, 'traffic', ordinal)
    const team = pickFrom(TEAMS, next())
    const kind = pickFrom(team.kinds, next())
    const { prompt, expected } = writePrompt(kind, next)
    yield {
      ordinal,
      kind,
      call: writeCall(kind, prompt, options, next),
      team: team.name,
      user: `user-${Math.floor(next() * 40)}`,
      session: `session-${team.name}-${Math.floor(ordinal / 8)}`,
      tags: { feature: kind, tier: pickFrom(['free', 'pro', 'enterprise'], next()) },
      expected,
    }
  }
}

function writePrompt(
  kind: TrafficKind,
  next: () => Unit,
): { readonly prompt: string; readonly expected: string | undefined } {
  switch (kind) {
    case 'math': {
      const { prompt, right } = arithmeticQuestion(next)
      return { prompt, expected: right }
    }
    case 'choice': {
      const { prompt, right } = choiceQuestion(next)
      return { prompt, expected: right }
    }
    case 'extraction': {
      const { prompt, right } = extractionQuestion(next)
      return { prompt, expected: right }
    }
    case 'long_context':
      return {
        prompt: `${fillerText(700, false, next)}\n\nSummarise the text above in three sentences.`,
        expected: undefined,
      }
    case 'support':
    case 'code':
    case 'agent':
    case 'search':
      return { prompt: pickFrom(PROMPTS[kind], next()), expected: undefined }
  }
}

function writeCall(kind: TrafficKind, prompt: string, options: TrafficOptions, next: () => Unit): TrafficCall {
  const {
    openaiModels = ['gpt-4o', 'gpt-4o-mini', 'gpt-5-mini'],
    anthropicModels = ['claude-sonnet-5-5', 'claude-haiku-4-5'],
  } = options
  if (kind === 'search')
    return { api: 'embeddings', body: { model: options.embeddingModel ?? 'text-embedding-3-small', input: prompt } }
  const stream = next() < 0.5
  const needsChat = kind === 'extraction' || kind === 'agent'
  const roll = needsChat ? 0 : next()
  if (roll >= 0.6) {
    return {
      api: 'messages',
      body: {
        model: pickFrom(anthropicModels, next()),
        max_tokens: 1024,
        // A long prompt is worth caching: its system part is marked.
        system: [
          {
            type: 'text',
            text: SYSTEM[kind],
            ...(kind === 'long_context' ? { cache_control: { type: 'ephemeral' } } : {}),
          },
        ],
        messages: [{ role: 'user', content: prompt }],
        stream,
      },
    }
  }
  const model = pickFrom(openaiModels, next())
  if (roll >= 0.4) return { api: 'responses', body: { model, instructions: SYSTEM[kind], input: prompt, stream } }
  const messages: ChatBody['messages'] = [
    { role: 'system', content: SYSTEM[kind] },
    { role: 'user', content: prompt },
  ]
  const schema = { name: 'order', strict: true, schema: ORDER_SCHEMA }
  return {
    api: 'chat_completions',
    body: {
      model,
      messages,
      stream,
      ...(kind === 'extraction' ? { response_format: { type: 'json_schema', json_schema: schema } } : {}),
      ...(kind === 'agent' ? { tools: [WEATHER_TOOL] } : {}),
    },
  }
}

const WEATHER_TOOL = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Current weather of a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
      required: ['city'],
    },
  },
}

const TEAMS: readonly { readonly name: string; readonly kinds: readonly TrafficKind[] }[] = [
  { name: 'support', kinds: ['support', 'support', 'choice', 'long_context', 'search'] },
  { name: 'engineering', kinds: ['code', 'code', 'agent', 'math'] },
  { name: 'finance', kinds: ['extraction', 'extraction', 'math'] },
  { name: 'research', kinds: ['long_context', 'choice', 'search', 'agent'] },
]

const SYSTEM: Readonly<Record<TrafficKind, string>> = {
  support: 'You are the support assistant of a web shop. Be kind and brief.',
  code: 'You are a senior engineer. Answer with code and one sentence of explanation.',
  extraction: 'Extract exactly the fields of the schema.',
  math: 'Compute carefully. Start with "The answer is".',
  choice: 'Answer the question.',
  long_context: 'You summarise long documents faithfully. Never add what the text does not say.',
  agent: 'Use the tools where they help.',
  search: '',
}

const PROMPTS: Readonly<Record<'support' | 'code' | 'agent' | 'search', readonly string[]>> = {
  support: [
    'My parcel was due on Monday and is still not here. What can I do?',
    'How do I change the e-mail address of my account?',
    'I was charged twice this month, please help.',
    'Können Sie mir die Rechnung noch einmal schicken?',
    'Can I return shoes that I wore once?',
  ],
  code: [
    'Write a TypeScript function that groups an array of objects by a key.',
    'Why does this SQL query scan the whole table: SELECT * FROM traces WHERE toDate(at) = today()?',
    'Turn this callback API into a promise: fs.readFile(path, (error, bytes) => …).',
    'Explain the race condition in a counter that two threads increment.',
  ],
  agent: [
    'What is the weather in Lisbon right now?',
    'Do I need an umbrella in Kyoto today?',
    'Compare the weather of Oslo and Rome.',
  ],
  search: ['refund policy for digital goods', 'how to rotate an API key', 'delivery times to Norway'],
}
