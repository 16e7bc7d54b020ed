import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Attempt, Exchange } from '../../src/domain/exchange.ts'
import type { Usage } from '../../src/domain/usage.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { openReads, type TraceRows } from '../../src/store/read.ts'
import { ATTEMPT_COLUMNS, attemptRows } from '../../src/store/attempt-row.ts'
import { TRACE_COLUMNS, traceRow } from '../../src/store/trace-row.ts'
import { insertable } from '../fakes/insertable.ts'
import { anyExchangeAt } from '../fakes/any-exchange.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

let engine: TestEngine
let client: StoreClient

beforeAll(async () => {
  engine = await startTestEngine()
  client = await engine.migrated()
})
afterAll(() => engine?.close())

const NOW = Date.now()
const exchange = anyExchangeAt(NOW)

// What of a text is kept, written down a second time: the first 256 characters, halves of pairs replaced.
const kept = (value: string | undefined): string => (value ?? '').slice(0, 256).toWellFormed()
const keptMs = (ms: number): number => Math.round(ms * 1_000) / 1_000
const orNull = (value: number | undefined): number | null => value ?? null
const dollars = (pico: bigint): string => {
  const digits = pico.toString().padStart(13, '0')
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '')
}

function storedUsage(of: Usage | undefined): Record<string, number | null> {
  return {
    uncached_input_tokens: orNull(of?.uncachedInputTokens),
    cache_read_tokens: orNull(of?.cacheReadTokens),
    cache_write_5m_tokens: orNull(of?.cacheWrite5mTokens),
    cache_write_1h_tokens: orNull(of?.cacheWrite1hTokens),
    audio_input_tokens: orNull(of?.audioInputTokens),
    text_output_tokens: orNull(of?.textOutputTokens),
    reasoning_tokens: orNull(of?.reasoningTokens),
    audio_output_tokens: orNull(of?.audioOutputTokens),
    web_search_requests: orNull(of?.webSearchRequests),
  }
}

function nonZero(counts: Record<string, number | null>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).flatMap(([column, n]) => (n === null || n === 0 ? [] : [[column, n]])),
  )
}

function expectedAttempt(of: Exchange, call: Attempt, position: number): Record<string, unknown> {
  const { request, decision } = of
  const ended = call.outcome
  const isPriced = call.cost.kind === 'priced'
  return {
    attempt_id: call.id,
    trace_id: request.id,
    position,
    started_at: new Date(call.startedAt).toISOString(),
    instance: 'here',
    role: call.role,
    provider: kept(call.target.provider),
    model: kept(call.target.model),
    api: request.api,
    is_stream: request.isStream,
    route: kept(decision.route),
    arm: decision.arm,
    task: kept(request.controls.task) || 'unknown',
    team: kept(request.controls.team),
    policy_version: decision.policyVersion,
    outcome: ended.kind,
    status: 'status' in ended ? (ended.status ?? 0) : 0,
    error: 'error' in ended ? ended.error : '',
    error_type: 'errorType' in ended ? kept(ended.errorType) : '',
    may_have_run: 'mayHaveRun' in ended && ended.mayHaveRun,
    fallback_reason: call.fallbackReason ?? '',
    queue_ms: keptMs(call.queueMs),
    first_byte_ms: call.firstByteMs === undefined ? null : keptMs(call.firstByteMs),
    first_token_ms: call.firstTokenMs === undefined ? null : keptMs(call.firstTokenMs),
    duration_ms: keptMs(call.durationMs),
    response_bytes: call.responseBytes,
    stream_events: orNull(call.streamEvents),
    served_model: kept(call.servedModel),
    provider_request_id: kept(call.providerRequestId),
    response_id: kept(call.responseId),
    finish_reason: kept(call.finishReason),
    service_tier: kept(call.usage?.serviceTier),
    ...storedUsage(call.usage),
    provider_input_tokens: orNull(call.usage?.providerInputTokens),
    provider_output_tokens: orNull(call.usage?.providerOutputTokens),
    usage_is_partial: call.usage?.isPartial ?? false,
    usage_parts: (call.usage?.parts ?? []).map((part) => ({
      model: kept(part.model),
      tokens: nonZero(storedUsage(part.usage)),
    })),
    cost_usd: call.cost.kind === 'priced' ? dollars(call.cost.picoUsd) : null,
    price_source: isPriced ? call.cost.source : '',
    unpriced_why: isPriced ? '' : call.cost.kind === 'unpriced' ? call.cost.why : 'not_billed',
    rates_pico_usd: isPriced
      ? Object.fromEntries(
          Object.entries({
            uncached_input_tokens: call.cost.rates.uncachedInput,
            cache_read_tokens: call.cost.rates.cacheRead,
            cache_write_5m_tokens: call.cost.rates.cacheWrite5m,
            cache_write_1h_tokens: call.cost.rates.cacheWrite1h,
            audio_input_tokens: call.cost.rates.audioInput,
            text_output_tokens: call.cost.rates.textOutput,
            reasoning_tokens: call.cost.rates.reasoning,
            audio_output_tokens: call.cost.rates.audioOutput,
            web_search_requests: call.cost.rates.webSearch,
          }).filter(([, value]) => value !== undefined),
        )
      : {},
    shadow: kept(call.shadow?.name),
    shadow_arm: call.shadow?.arm ?? '',
    pair_id: call.shadow?.pairedWith ?? '00000000-0000-0000-0000-000000000000',
    adaptations: (call.adaptations ?? []).map(kept),
  }
}

function expectedTrace(of: Exchange): Record<string, unknown> {
  const { request, decision } = of
  const calls = of.attempts.filter((call) => call.role !== 'shadow')
  const last = calls.at(-1)
  return {
    trace_id: request.id,
    received_at: new Date(of.receivedAt).toISOString(),
    instance: 'here',
    provider: kept(request.provider),
    dialect: request.dialect,
    api: request.api,
    method: request.method,
    path: kept(request.path),
    requested_model: kept(request.model),
    is_stream: request.isStream,
    request_bytes: request.requestBytes,
    has_tools: request.shape.hasTools,
    has_schema: request.shape.hasSchema,
    injects_usage: request.shape.injectsUsage,
    unreadable: request.shape.unreadable ?? '',
    team: kept(request.controls.team),
    user: kept(request.controls.user),
    session: kept(request.controls.session),
    route_asked: kept(request.controls.route),
    tags: Object.fromEntries(Object.entries(request.controls.tags).map(([key, tag]) => [kept(key), kept(tag)])),
    end_user: kept(request.shape.endUser),
    conversation: kept(request.shape.conversation),
    key_subject: request.client.keySubject,
    user_agent: kept(request.client.userAgent),
    sdk_retry: orNull(request.client.sdkRetry),
    sdk_timeout_s: orNull(request.client.sdkTimeoutSeconds),
    parent_trace_id: kept(request.client.traceParent?.traceId),
    task: kept(request.controls.task) || 'unknown',
    complexity: 'unknown',
    route: kept(decision.route),
    arm: decision.arm,
    targets: ('refused' in decision ? [] : decision.targets).map((wanted) => ({
      provider: kept(wanted.provider),
      model: kept(wanted.model),
    })),
    reasons: decision.reasons.map(kept),
    policy_version: decision.policyVersion,
    draws: {},
    outcome: of.outcome,
    status: of.status,
    error: of.error ?? '',
    response_bytes: of.responseBytes,
    duration_ms: keptMs(of.durationMs),
    overhead_ms: keptMs(of.overheadMs),
    attempts: calls.length,
    served_provider: kept(last?.target.provider),
    target_model: kept(last?.target.model),
    served_model: kept(last?.servedModel),
    finish_reason: kept(last?.finishReason),
  }
}

test('every exchange comes back from ClickHouse as it was, within the bounds that are promised', async () => {
  const reads = openReads(client.select, 'understudy')
  let batch = 0
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(exchange, { selector: (one) => one.request.id, minLength: 1, maxLength: 25 }),
      async (some) => {
        batch += 1
        const traces = insertable(
          TRACE_COLUMNS,
          some.map((one) => traceRow(one, 'here')),
        )
        const calls = insertable(
          ATTEMPT_COLUMNS,
          some.flatMap((one) => attemptRows(one, 'here')),
        )
        expect(await client.insert('traces', traces, `traces-${batch}`)).toEqual({ kind: 'stored' })
        expect(await client.insert('attempts', calls, `attempts-${batch}`)).toEqual({ kind: 'stored' })
        for (const one of some) {
          const read = await reads.trace(one.request.id)
          const stored: TraceRows | undefined = read.kind === 'ok' ? read.value : undefined
          expect(stored?.trace).toMatchObject(expectedTrace(one))
          expect(stored?.attempts).toMatchObject(
            one.attempts.map((call, position) => expectedAttempt(one, call, position)),
          )
        }
      },
    ),
    { numRuns: 12, endOnFailure: true },
  )
})

const QUARANTINE_COLUMNS = ['ts', 'table_name', 'reason', 'row']
const aQuarantined = (row: string) => JSON.stringify([new Date(NOW).toISOString(), 'traces', 'r', row])
const quarantined = (...rows: readonly string[]) => insertable(QUARANTINE_COLUMNS, rows)

async function countOf(row: string): Promise<unknown> {
  const read = await client.select({
    name: 'test',
    sql: 'SELECT toUInt32(count()) AS n FROM understudy.quarantine WHERE row = {row:String}',
    params: { row },
    parse: ({ n }) => n,
  })
  return read.kind === 'ok' ? read.value[0] : read.detail
}

test('the same rows sent again with the same token are stored once', async () => {
  const rows = quarantined(aQuarantined('again'), aQuarantined('again'))
  for (let sent = 0; sent < 5; sent += 1) {
    expect(await client.insert('quarantine', rows, 'again-1')).toEqual({ kind: 'stored' })
  }
  expect(await countOf('again')).toBe(2)
  expect(await client.insert('quarantine', rows, 'again-2')).toEqual({ kind: 'stored' })
  expect(await countOf('again')).toBe(4)
})

test('the same token sent by two writers at once is stored once', async () => {
  const rows = quarantined(aQuarantined('at once'))
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.insert('quarantine', rows, 'at-once')))
  expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['stored']))
  expect(await countOf('at once')).toBe(1)
})

test.each([
  ['first', (good: string[], bad: string) => [bad, ...good]],
  ['last', (good: string[], bad: string) => [...good, bad]],
])('a batch of megabytes whose %s row is bad is refused whole, and said to be bad', async (place, arrange) => {
  const good = Array.from({ length: 10_000 }, () => aQuarantined(`large ${place}${' '.repeat(1_000)}`))
  const rows = quarantined(...arrange(good, '["no time","traces","r","x"]'))
  expect(await client.insert('quarantine', rows, `large-${place}`)).toMatchObject({ kind: 'bad_rows' })
  expect(await countOf(`large ${place}${' '.repeat(1_000)}`)).toBe(0)
})

test.each([
  ['an unknown column', ['no_such_column'], '[1]'],
  ['a number that does not fit', ['status'], '["many"]'],
  ['a decimal beyond its column', ['cost_usd'], '["12345678901.0"]'],
  ['a time that is none', ['received_at'], '["tomorrow"]'],
  ['an id that is none', ['trace_id'], '["123"]'],
  ['half a surrogate pair', ['user'], String.raw`["\ud800"]`],
  ['a list that is none', ['reasons'], '[5]'],
  ['half a row', ['user'], '["x"'],
  ['a row with a field too few', ['user', 'session'], '["x"]'],
  ['a row with a field too many', ['user', 'session'], '["x","y","z"]'],
  ['a row of another kind', ['user'], '{"user":"x"}'],
  ['no JSON at all', ['user'], 'hello'],
])('%s makes bad rows', async (_what, columns, row) => {
  expect(await client.insert('traces', insertable(columns, [row]), `bad ${row}`)).toMatchObject({ kind: 'bad_rows' })
})

test('null, and a column that is not named, stand for the default of the column', async () => {
  const stamp = NOW.toString(16).padStart(12, '0')
  const id = `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-00000000def0`
  const columns = ['trace_id', 'received_at', 'task', 'status', 'duration_ms', 'first_token_ms', 'cost_usd', 'user']
  const row = JSON.stringify([id, NOW, null, null, null, null, null, null])
  expect(await client.insert('traces', insertable(columns, [row]), 'nulls')).toEqual({ kind: 'stored' })
  const read = await openReads(client.select, 'understudy').trace(id)
  expect(read.kind === 'ok' ? read.value?.trace : read.detail).toMatchObject({
    task: 'unknown',
    complexity: 'unknown',
    status: 0,
    duration_ms: 0,
    first_token_ms: null,
    cost_usd: null,
    user: '',
    tags: {},
  })
})

test('a table or database that is not there yet makes the store unavailable, not the rows bad', async () => {
  const elsewhere = engine.client('not_yet')
  const rows = quarantined(aQuarantined('x'))
  expect(await elsewhere.insert('quarantine', rows, 'x')).toMatchObject({ kind: 'unavailable' })
})
