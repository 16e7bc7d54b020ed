import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failureOf, streamFailureOf, triggerOf } from '../../src/dialects/failure-kind.ts'
import { createFirstEventJudge } from '../../src/dialects/first-event.ts'
import { durationMs } from '../../src/dialects/go-duration.ts'
import { rateHeadroom } from '../../src/dialects/rate-headroom.ts'
import type { Api } from '../../src/domain/request.ts'
import { ANTHROPIC_FAILURES } from '../fixtures/failures/anthropic.ts'
import { FAILURES_BETWEEN } from '../fixtures/failures/between.ts'
import { GEMINI_FAILURES } from '../fixtures/failures/gemini.ts'
import { OPENAI_FAILURES } from '../fixtures/failures/openai.ts'

const FAILURES = [...OPENAI_FAILURES, ...ANTHROPIC_FAILURES, ...GEMINI_FAILURES, ...FAILURES_BETWEEN]
const NOW = Date.parse('2026-11-20T12:00:00Z')

describe('failureOf', () => {
  it.each(FAILURES)('$kind: $source', ({ status, headers = [], body, kind, retryAfterMs }) => {
    expect(failureOf(status, headers, Buffer.from(body), NOW)).toEqual({ kind, retryAfterMs })
  })

  it.each(['-1', 'soon', '', 'NaN', '1e999', '2026'])('asks for no wait that makes no sense: %j', (value) => {
    const failure = failureOf(500, ['retry-after', value], Buffer.alloc(0), NOW)
    expect(failure.retryAfterMs ?? 0).toBeLessThanOrEqual(24 * 3_600_000)
    expect(failure.retryAfterMs ?? 0).toBeGreaterThanOrEqual(0)
  })

  it('waits for no time that has passed, and for none beyond a day', () => {
    const at = (value: string): number | undefined =>
      failureOf(503, ['retry-after', value], Buffer.alloc(0), NOW).retryAfterMs
    expect(at('Thu, 19 Nov 2026 12:00:00 GMT')).toBe(0)
    expect(at('Fri, 20 Nov 2037 12:00:00 GMT')).toBe(24 * 3_600_000)
    expect(at('99999999')).toBe(24 * 3_600_000)
  })

  it('never throws, whatever comes with whatever status', () => {
    const header = fc.constantFrom(
      'retry-after',
      'retry-after-ms',
      'x-ratelimit-reset-tokens',
      'x-ratelimit-remaining-tokens',
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 999 }),
        fc.array(fc.tuple(header, fc.string())),
        fc.oneof(
          fc.jsonValue().map((value) => JSON.stringify(value)),
          fc.jsonValue().map((error) => JSON.stringify({ error })),
          fc.string(),
        ),
        (status, headers, body) => {
          const { kind, retryAfterMs } = failureOf(status, headers.flat(), Buffer.from(body), NOW)
          expect(kind).toMatch(/^[a-z_]+$/)
          expect(retryAfterMs === undefined || (retryAfterMs >= 0 && retryAfterMs <= 24 * 3_600_000)).toBe(true)
        },
      ),
    )
  })

  it.each([
    [404, 'The model `overloaded, spend limit, context window` does not exist.', 'model'],
    [401, 'Incorrect API key provided: prompt is too long.', 'key'],
    [400, "Invalid value: 'at capacity'. Your credit balance is too low, it says.", 'client'],
    [400, "Invalid value: 'insufficient credits'.", 'client'],
  ])('does not take what the client wrote for what the provider says: %s %s', (status, message, kind) => {
    const body = JSON.stringify({ error: { message, type: 'invalid_request_error', code: null } })
    expect(failureOf(status, [], Buffer.from(body), NOW)).toEqual({ kind, retryAfterMs: undefined })
  })

  it('does not take a page of megabytes apart', () => {
    const page = Buffer.from(`{"error":{"message":"prompt is too long${' '.repeat(400_000)}"}}`)
    expect(failureOf(400, [], page, NOW).kind).toBe('client')
  })
})

describe('triggerOf', () => {
  const KINDS = [
    'error',
    'rate_limit',
    'capacity',
    'context_window',
    'refusal',
    'key',
    'forbidden',
    'model',
    'elsewhere',
    'client',
  ] as const

  it('asks elsewhere for all but what the client has to mend', () => {
    const clients = { key: false, model: false }
    const triggers = [
      'error',
      'rate_limit',
      'rate_limit',
      'context_window',
      'refusal',
      undefined,
      undefined,
      undefined,
      'error',
      undefined,
    ]
    expect(KINDS.map((kind) => triggerOf(kind, clients))).toEqual(triggers)
  })

  it('takes a key and a model that the operator chose for errors, each by itself', () => {
    expect(triggerOf('key', { key: true, model: false })).toBe('error')
    expect(triggerOf('forbidden', { key: true, model: false })).toBe('error')
    for (const kind of ['key', 'forbidden'] as const)
      expect(triggerOf(kind, { key: false, model: true })).toBeUndefined()
    expect(triggerOf('model', { key: false, model: true })).toBe('error')
    expect(triggerOf('model', { key: true, model: false })).toBeUndefined()
    expect(triggerOf('client', { key: true, model: true })).toBeUndefined()
  })
})

describe('streamFailureOf', () => {
  it.each([
    ['{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', 'capacity'],
    ['{"type":"error","error":{"type":"api_error","message":"Internal server error"}}', 'error'],
    ['{"error":{"message":"Provider disconnected","code":502}}', 'error'],
    ['{"error":{"message":"Rate limited","code":429}}', 'rate_limit'],
    ['{"error":{"message":"The server had an error","type":"server_error","code":null}}', 'error'],
    [
      '{"type":"error","code":"rate_limit_exceeded","message":"Rate limit. Please try again in 3s.","param":null}',
      'rate_limit',
    ],
    ['{"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}', 'error'],
    ['{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}', 'capacity'],
    [
      '{"error":{"type":"invalid_request_error","message":"prompt is too long: 2 tokens > 1 maximum"}}',
      'context_window',
    ],
    ['{"error":{"type":"invalid_request_error","message":"x"}}', 'client'],
    ['{"type":"error","error":{"type":"authentication_error","message":"x"}}', 'key'],
    ['{"type":"error","error":{"type":"not_found_error","message":"model: x"}}', 'model'],
    ['upstream gone', 'error'],
  ])('%s: %s', (data, kind) => {
    expect(streamFailureOf(data, [], NOW).kind).toBe(kind)
  })
})

describe('createFirstEventJudge', () => {
  const cases: readonly (readonly [string, Api, readonly (readonly [string | undefined, string])[], string])[] = [
    ['an error frame', 'chat_completions', [[undefined, '{"error":{"message":"x","code":502}}']], 'error'],
    [
      'an error frame after the role',
      'chat_completions',
      [
        [undefined, '{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}'],
        ['error', '{"error":{"message":"overloaded"}}'],
      ],
      'capacity',
    ],
    ['content', 'chat_completions', [[undefined, '{"choices":[{"index":0,"delta":{"content":"Hi"}}]}']], 'good'],
    ['a refusal', 'chat_completions', [[undefined, '{"choices":[{"index":0,"delta":{"refusal":"I"}}]}']], 'refusal'],
    [
      'a filtered answer',
      'chat_completions',
      [[undefined, '{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}']],
      'refusal',
    ],
    ['an empty answer', 'chat_completions', [[undefined, '[DONE]']], 'good'],
    [
      'overloaded after a ping',
      'messages',
      [
        ['ping', '{"type":"ping"}'],
        ['error', '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'],
      ],
      'capacity',
    ],
    [
      'the opening of a message',
      'messages',
      [
        ['message_start', '{"type":"message_start","message":{"id":"m","usage":{"input_tokens":1}}}'],
        ['content_block_start', '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'],
      ],
      'wait',
    ],
    [
      'a refusal without a word',
      'messages',
      [['message_delta', '{"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":0}}']],
      'refusal',
    ],
    [
      'a refusal',
      'responses',
      [['response.refusal.delta', '{"type":"response.refusal.delta","delta":"I"}']],
      'refusal',
    ],
    ['the opening', 'responses', [['response.created', '{"type":"response.created","response":{"id":"r"}}']], 'wait'],
    [
      'a failed response',
      'responses',
      [
        [
          'response.failed',
          '{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"x"}}}',
        ],
      ],
      'rate_limit',
    ],
    ['a blocked prompt', 'generate_content', [[undefined, '{"promptFeedback":{"blockReason":"SAFETY"}}']], 'refusal'],
    [
      'content',
      'generate_content',
      [[undefined, '{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"index":0}]}']],
      'good',
    ],
    ['what is not read', 'passthrough', [[undefined, '{"error":{}}']], 'good'],
  ]
  it.each(cases)('%s of %s', (_, api, events, expected) => {
    const judge = createFirstEventJudge(api, [], NOW)
    const verdicts = events.map(([event, data]) => judge({ event, data }))
    const last = verdicts.at(-1)
    expect(last?.kind === 'failed' ? last.failure.kind : last?.kind).toBe(expected)
    expect(verdicts.slice(0, -1).every(({ kind }) => kind === 'wait')).toBe(true)
  })
})

describe('rateHeadroom', () => {
  it('reads the headers of OpenAI, in any case', () => {
    const headers = [
      'X-RateLimit-Limit-Requests',
      '60',
      'x-ratelimit-limit-tokens',
      '150000',
      'x-ratelimit-remaining-requests',
      '59',
      'x-ratelimit-remaining-tokens',
      '1500',
      'x-ratelimit-reset-requests',
      '1s',
      'x-ratelimit-reset-tokens',
      '6m0s',
      'content-type',
      'application/json',
    ]
    expect(rateHeadroom('openai', headers, NOW)).toEqual({
      requestsRemaining: 59,
      requestsLimit: 60,
      tokensRemaining: 1500,
      tokensLimit: 150000,
      resetAt: NOW + 360_000,
    })
  })

  it('reads the headers of Anthropic, tokens of the tightest limit or of the input', () => {
    const requests = [
      'anthropic-ratelimit-requests-limit',
      '50',
      'anthropic-ratelimit-requests-remaining',
      '5',
      'anthropic-ratelimit-requests-reset',
      '2026-11-20T12:00:06Z',
      'anthropic-ratelimit-input-tokens-limit',
      '40000',
      'anthropic-ratelimit-input-tokens-remaining',
      '39000',
    ]
    expect(rateHeadroom('anthropic', requests, NOW)).toEqual({
      requestsRemaining: 5,
      requestsLimit: 50,
      tokensRemaining: 39000,
      tokensLimit: 40000,
      resetAt: NOW + 6_000,
    })
    const tightest = ['anthropic-ratelimit-tokens-limit', '10', 'anthropic-ratelimit-tokens-remaining', '1']
    expect(rateHeadroom('anthropic', [...requests, ...tightest], NOW)?.tokensRemaining).toBe(1)
  })

  it('reads the headers of Cerebras, by minute before by day', () => {
    const headers = [
      'x-ratelimit-limit-requests-day',
      '1440',
      'x-ratelimit-remaining-requests-day',
      '1439',
      'x-ratelimit-reset-requests-day',
      '33011.38',
      'x-ratelimit-remaining-tokens-minute',
      '5',
    ]
    expect(rateHeadroom('cerebras', headers, NOW)).toMatchObject({ requestsRemaining: 1439, tokensRemaining: 5 })
  })

  it('knows nothing where the provider says nothing, or says that it does not know', () => {
    expect(rateHeadroom('openai', ['content-type', 'x'], NOW)).toBeUndefined()
    expect(
      rateHeadroom('openai', ['x-ratelimit-limit-tokens', '-1', 'x-ratelimit-remaining-tokens', '-1'], NOW),
    ).toBeUndefined()
  })
})

describe('durationMs', () => {
  it.each([
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['12ms', 12],
    ['1h2m3.5s', 3_723_500],
    ['7.66s', 7_660],
    ['1d', 86_400_000],
    ['0', 0],
    ['59', 59_000],
    ['', undefined],
    ['soon', undefined],
    ['2026-11-20T12:00:00Z', undefined],
  ])('%j is %s ms', (text, expected) => {
    expect(durationMs(text)).toBe(expected)
  })
})
