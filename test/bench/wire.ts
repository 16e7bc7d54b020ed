/** The bytes that every contender carries: one plain call of 0.8 KB and one stream of 52 chunks, as OpenAI has them. */

export const CHUNKS = 52

export type Kind = 'plain' | 'stream'

/**
 * A whole HTTP/1.1 request, ready for the socket. `paceMs` is what a stream's upstream waits between two chunks,
 * `headers` are lines besides those of every request.
 */
export function requestBytes(
  kind: Kind,
  authority: string,
  path: string,
  paceMs: number,
  headers: readonly string[],
): Buffer {
  const body = JSON.stringify({
    model: 'gpt-4o-mini',
    messages: [
      {
        role: 'system',
        content: 'You answer questions about orders. Be brief, be kind, and never invent an order number.',
      },
      { role: 'user', content: 'Where is my order? '.repeat(26).trim() },
    ],
    temperature: 0.2,
    max_tokens: 256,
    // The fixed upstream reads its pace from here: the one number of a request that every proxy leaves alone.
    seed: paceMs,
    stream: kind === 'stream',
  })
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${authority}`,
    'accept: application/json',
    'content-type: application/json',
    'user-agent: OpenAI/JS 7.55.0',
    'x-stainless-lang: js',
    'x-stainless-package-version: 7.55.0',
    'x-stainless-os: Linux',
    'x-stainless-arch: x64',
    'x-stainless-runtime: node',
    'x-stainless-runtime-version: v24.21.0',
    'x-stainless-retry-count: 0',
    'x-stainless-timeout: 600',
    'authorization: Bearer sk-bench-0123456789abcdef0123456789abcdef',
    ...headers,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

const ID = 'chatcmpl-bench0123456789abcdefghij'
const ENVELOPE = { id: ID, created: 1_790_000_000, model: 'gpt-4o-mini-2024-07-18', service_tier: 'default' }
const USAGE = {
  prompt_tokens: 141,
  completion_tokens: 50,
  total_tokens: 191,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
}
const HEADERS = ['date: Fri, 20 Nov 2026 09:00:00 GMT', 'x-request-id: req_bench0123456789', 'openai-processing-ms: 1']

/** The body of a plain answer. */
export const PLAIN_BODY = JSON.stringify({
  ...ENVELOPE,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Your order is on its way. '.repeat(10).trim(), refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: USAGE,
  system_fingerprint: 'fp_bench',
})

/** A whole plain answer, ready for the socket. */
export const PLAIN_ANSWER = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    ...HEADERS,
    `content-length: ${Buffer.byteLength(PLAIN_BODY)}`,
  ].join('\r\n') + `\r\n\r\n${PLAIN_BODY}`,
)

/** Head of a streamed answer, ready for the socket; chunks follow. */
export const STREAM_HEAD = Buffer.from(
  ['HTTP/1.1 200 OK', 'content-type: text/event-stream; charset=utf-8', ...HEADERS, 'transfer-encoding: chunked'].join(
    '\r\n',
  ) + '\r\n\r\n',
)

/**
 * The events of a stream. With `withUsage` every chunk has `"usage":null` and one more event before the last carries
 * the usage, as the provider does when `stream_options.include_usage` is set.
 */
export function streamEvents(withUsage: boolean): readonly string[] {
  const event = (choices: unknown, usage: unknown): string =>
    `data: ${JSON.stringify({ ...ENVELOPE, object: 'chat.completion.chunk', system_fingerprint: 'fp_bench', choices, ...(withUsage && { usage }) })}\n\n`
  const choice = (delta: unknown, finish: string | null) => [{ index: 0, delta, logprobs: null, finish_reason: finish }]
  return [
    event(choice({ role: 'assistant', content: '', refusal: null }, null), null),
    ...Array.from({ length: CHUNKS - 3 }, (_, index) => event(choice({ content: ` token${index}` }, null), null)),
    event(choice({}, 'stop'), null),
    ...(withUsage ? [event([], USAGE)] : []),
    'data: [DONE]\n\n',
  ]
}

/** Body bytes that a client without `include_usage` must receive, by kind. */
export const EXPECTED_BODY_BYTES: Readonly<Record<Kind, number>> = {
  plain: Buffer.byteLength(PLAIN_BODY),
  stream: Buffer.byteLength(streamEvents(false).join('')),
}
