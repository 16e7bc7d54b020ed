import fc from 'fast-check'
import type { Cost, Rates } from '../../src/domain/cost.ts'
import type { ErrorCode } from '../../src/domain/errors.ts'
import type { Attempt, AttemptOutcome, Exchange } from '../../src/domain/exchange.ts'
import type { BodyShape, ClientFacts, Controls, LlmRequest } from '../../src/domain/request.ts'
import type { Usage } from '../../src/domain/usage.ts'

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 3 })
const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', minLength: 200, maxLength: 300 }))
const name = fc.oneof(fc.constantFrom('gpt-5-mini', 'claude-sonnet-4-5', 'o4'), text)
const count = fc.oneof(fc.nat(10_000_000), fc.constant(0), fc.constant(2 ** 40))
const duration = fc.oneof(fc.nat(1_000_000), fc.double({ min: 0, max: 1e7, noNaN: true }))
const errorCode = fc.constantFrom<ErrorCode>(
  'connect_failed',
  'first_byte_timeout',
  'upstream_cut',
  'client_closed',
  'internal',
)
const status = fc.constantFrom(200, 400, 401, 429, 500, 529)

/** A UUIDv7 made at `at`. */
const idAt = (at: number): fc.Arbitrary<string> =>
  fc.uuid({ version: 7 }).map((uuid) => {
    const stamp = at.toString(16).padStart(12, '0')
    return `${stamp.slice(0, 8)}-${stamp.slice(8)}${uuid.slice(13)}`
  })

const usageWith = (parts: fc.Arbitrary<Usage['parts']>): fc.Arbitrary<Usage> =>
  fc.record({
    uncachedInputTokens: count,
    cacheReadTokens: count,
    cacheWrite5mTokens: count,
    cacheWrite1hTokens: count,
    audioInputTokens: count,
    textOutputTokens: count,
    reasoningTokens: count,
    audioOutputTokens: count,
    providerInputTokens: optional(count),
    providerOutputTokens: optional(count),
    webSearchRequests: fc.nat(100),
    serviceTier: optional(name),
    parts,
    isPartial: fc.boolean(),
  })
const usage = usageWith(fc.array(fc.record({ model: name, usage: usageWith(fc.constant([])) }), { maxLength: 3 }))

const rate = optional(fc.nat(2_000_000_000))
const rates: fc.Arbitrary<Rates> = fc.record({
  uncachedInput: rate,
  cacheRead: rate,
  cacheWrite5m: rate,
  cacheWrite1h: rate,
  audioInput: rate,
  textOutput: rate,
  reasoning: rate,
  audioOutput: rate,
  webSearch: rate,
})

const cost: fc.Arbitrary<Cost> = fc.oneof(
  fc.record({
    kind: fc.constant('priced' as const),
    picoUsd: fc.bigInt({ min: 0n, max: 10n ** 17n }),
    rates,
    source: fc.constantFrom('config', 'genai-prices@0.1.8'),
  }),
  fc.record({
    kind: fc.constant('unpriced' as const),
    why: fc.constantFrom('no_usage' as const, 'unknown_model' as const, 'missing_rate' as const),
  }),
  fc.constant({ kind: 'not_billed' as const }),
)

const outcome: fc.Arbitrary<AttemptOutcome> = fc.oneof(
  fc.record({ kind: fc.constant('completed' as const), status }),
  fc.record({ kind: fc.constant('refused' as const), status, error: errorCode, errorType: optional(name) }),
  fc.record({ kind: fc.constant('unavailable' as const), error: errorCode, mayHaveRun: fc.boolean() }),
  fc.record({ kind: fc.constant('interrupted' as const), status, error: errorCode }),
  fc.record({ kind: fc.constant('cancelled' as const), status: optional(status) }),
)

const target = fc.record({ provider: name, model: optional(name) })

const attemptAt = (time: fc.Arbitrary<number>): fc.Arbitrary<Attempt> =>
  fc.record({
    id: time.chain(idAt),
    role: fc.constantFrom('primary' as const, 'fallback' as const, 'cascade' as const, 'shadow' as const),
    target,
    shadow: optional(
      fc.record({ name, arm: fc.constantFrom('candidate' as const, 'aa' as const), pairedWith: time.chain(idAt) }),
    ),
    fallbackReason: optional(fc.constantFrom('error' as const, 'slow_answer' as const)),
    adaptations: optional(fc.array(name, { maxLength: 3 })),
    startedAt: time,
    durationMs: duration,
    queueMs: duration,
    firstByteMs: optional(duration),
    firstTokenMs: optional(duration),
    outcome,
    servedModel: optional(name),
    providerRequestId: optional(text),
    responseId: optional(text),
    finishReason: optional(name),
    usage: optional(usage),
    cost,
    responseBytes: count,
    streamEvents: optional(count),
  })

const controls: fc.Arbitrary<Controls> = fc.record({
  route: optional(name),
  session: optional(text),
  user: optional(text),
  team: optional(name),
  tags: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), text, { maxKeys: 5, noNullPrototype: true }),
  task: optional(name),
})
const facts: fc.Arbitrary<ClientFacts> = fc.record({
  keySubject: fc.constantFrom('', '0123456789abcdef'),
  userAgent: text,
  sdkRetry: optional(fc.nat(9)),
  sdkTimeoutSeconds: optional(fc.nat(600)),
  traceParent: optional(fc.record({ traceId: text, spanId: text, flags: fc.nat(255), state: optional(text) })),
})
const shape: fc.Arbitrary<BodyShape> = fc.record({
  endUser: optional(text),
  conversation: optional(text),
  hasTools: fc.boolean(),
  hasSchema: fc.boolean(),
  injectsUsage: fc.boolean(),
  unreadable: optional(fc.constantFrom('not_json' as const, 'encoding' as const, 'too_large_to_read' as const)),
})
const requestAt = (at: number): fc.Arbitrary<LlmRequest> =>
  fc.record({
    id: idAt(at),
    provider: name,
    dialect: fc.constantFrom('openai' as const, 'anthropic' as const, 'gemini' as const),
    api: fc.constantFrom('chat_completions' as const, 'messages' as const, 'passthrough' as const),
    upstreamPath: text,
    path: text,
    method: fc.constantFrom('GET', 'POST'),
    model: optional(name),
    isStream: fc.boolean(),
    requestBytes: count,
    controls,
    client: facts,
    shape,
  })

/** Any exchange of the hour before `now`: ids, texts, counts and outcomes as hostile as their types allow. */
export function anyExchangeAt(now: number): fc.Arbitrary<Exchange> {
  const time = fc.integer({ min: now - 3_600_000, max: now })
  return time.chain((receivedAt) =>
    fc.record({
      request: requestAt(receivedAt),
      receivedAt: fc.constant(receivedAt),
      durationMs: duration,
      overheadMs: duration,
      decision: fc.record({
        route: name,
        arm: fc.constantFrom('stable' as const, 'candidate' as const, 'none' as const),
        targets: fc.tuple(target, target),
        reasons: fc.array(name, { maxLength: 4 }),
        policyVersion: fc.constant('0123456789abcdef'),
      }),
      attempts: fc.array(attemptAt(time), { maxLength: 4 }),
      status: fc.constantFrom(0, 200, 413, 503),
      outcome: fc.constantFrom('completed' as const, 'refused' as const, 'cancelled' as const, 'rejected' as const),
      error: optional(errorCode),
      responseBytes: count,
    }),
  )
}
