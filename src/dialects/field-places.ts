import type { Api } from '../domain/request.ts'

/** Where a field is in a body: a key at the top, or one key inside the object of another. */
export type FieldPlace = readonly [key: string] | readonly [parent: string, key: string]

/** Fields that other APIs than chat completions have under another name. */
const ELSEWHERE: Readonly<Partial<Record<Api, ReadonlyMap<string, readonly FieldPlace[]>>>> = {
  responses: new Map([
    ['reasoning_effort', [['reasoning']]],
    ['verbosity', [['text', 'verbosity']]],
    ['logprobs', [['top_logprobs']]],
  ]),
  messages: new Map([
    ['reasoning_effort', [['output_config', 'effort']]],
    ['stop', [['stop_sequences']]],
  ]),
}

/** What goes with a field: useless, and mostly refused, without it. */
const COMPANIONS: ReadonlyMap<string, readonly string[]> = new Map([['logprobs', ['top_logprobs']]])

/**
 * Where `field` is in a body of `api`. Names are those of chat completions; `a.b` is the key `b` inside `a`. Gemini has
 * nearly all of them in its generation config, in two spellings.
 */
export function placesOf(api: Api, field: string): readonly FieldPlace[] {
  const [parent = '', key] = field.split('.')
  if (key !== undefined) return [[parent, key]]
  if (api === 'generate_content') return geminiPlaces(field)
  const here = ELSEWHERE[api]?.get(field) ?? [[field] as const]
  return [...here, ...(COMPANIONS.get(field) ?? []).map((companion) => [companion] as const)]
}

const GEMINI_NAMES: ReadonlyMap<string, string> = new Map([
  ['reasoning_effort', 'thinking_config'],
  ['thinking', 'thinking_config'],
  ['stop', 'stop_sequences'],
  ['logprobs', 'response_logprobs'],
  ['top_logprobs', 'logprobs'],
  ['max_tokens', 'max_output_tokens'],
])

function geminiPlaces(field: string): readonly FieldPlace[] {
  const snake = GEMINI_NAMES.get(field) ?? field
  const camel = snake.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  const names = snake === camel ? [snake] : [camel, snake]
  return [
    ...names.map((name) => [name] as const),
    ...names.flatMap((name) => [['generationConfig', name] as const, ['generation_config', name] as const]),
  ]
}
