import type { DecodedSpan } from './otlp-decode.ts'

/** A path that is read, as a client of OpenAI's writes it. */
export const CHAT = '/openai/v1/chat/completions'
/** Stands for what no span may hold. */
export const PRIVATE = 'what the user said in confidence'

/** The first and the last content chunk of a streamed chat completion. */
const CHUNK = { id: 'chatcmpl-9', object: 'chat.completion.chunk', model: 'gpt-5-mini-2026-08-07' }
export const FIRST = { ...CHUNK, choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' } }] }
export const LAST = { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }

export const data = (text: string): string => `data: ${text}\n\n`

/** Asks for a chat completion, with a prompt and a key that are private. */
export function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-private', ...headers },
    body: JSON.stringify({ model: 'gpt-5-mini', messages: [{ role: 'user', content: PRIVATE }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The one span of a list that must have one. */
export function only(spans: readonly DecodedSpan[]): DecodedSpan {
  const [span, ...more] = spans
  if (span === undefined || more.length > 0) throw new Error(`expected one span, have ${spans.length}`)
  return span
}
