import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { ATTEMPT_COLUMNS, attemptRows } from '../../src/store/attempt-row.ts'
import { namedRows, readableRow } from '../../src/store/named-rows.ts'
import { STORED_ATTEMPT, STORED_TRACE } from '../../src/store/stored-rows.ts'
import { TRACE_COLUMNS, traceRow } from '../../src/store/trace-row.ts'
import { readInputs } from '../../src/domain/routing/replay.ts'
import { someFacts } from '../fakes/a-routing.ts'
import { anAttempt, anExchange, aRequest, aUsage } from '../fakes/an-exchange.ts'

const unpriced = { kind: 'unpriced', why: 'no_usage' } as const
const rates = {
  uncachedInput: 250_000,
  cacheRead: 25_000,
  cacheWrite5m: undefined,
  cacheWrite1h: undefined,
  audioInput: undefined,
  textOutput: 2_000_000,
  reasoning: 2_000_000,
  audioOutput: undefined,
  webSearch: 10_000_000_000,
}
const priced = (picoUsd: bigint) => ({ kind: 'priced', picoUsd, rates, source: 'config' }) as const

function trace(parts: Partial<Exchange>): Record<string, unknown> {
  return JSON.parse(readableRow(namedRows(TRACE_COLUMNS), traceRow(anExchange(parts), 'here')))
}

function attempts(parts: Partial<Exchange>): Record<string, unknown>[] {
  return attemptRows(anExchange(parts), 'here').map((row) => JSON.parse(readableRow(namedRows(ATTEMPT_COLUMNS), row)))
}

describe('cost', () => {
  test('is exact to the pico-dollar, also beyond what a double can hold', () => {
    const [row] = attempts({ attempts: [anAttempt({ cost: priced(123_456_789_012_345_678n) })] })
    expect(row?.cost_usd).toBe('123456.789012345678')
    expect(attempts({ attempts: [anAttempt({ cost: priced(1n) })] })[0]?.cost_usd).toBe('0.000000000001')
    expect(attempts({ attempts: [anAttempt({ cost: priced(0n) })] })[0]?.cost_usd).toBe('0.000000000000')
  })

  test('that the column cannot hold is unknown rather than a refused row', () => {
    expect(attempts({ attempts: [anAttempt({ cost: priced(10n ** 18n) })] })[0]?.cost_usd).toBeNull()
    expect(attempts({ attempts: [anAttempt({ cost: priced(-1n) })] })[0]?.cost_usd).toBeNull()
  })

  test('of a trace is the sum over its priced attempts', () => {
    const interrupted = { kind: 'interrupted', status: 200, error: 'upstream_cut' } as const
    const row = trace({
      attempts: [
        anAttempt({ outcome: interrupted, cost: priced(1n) }),
        anAttempt({ role: 'fallback', cost: priced(2n) }),
      ],
    })
    expect(row).toMatchObject({ cost_usd: '0.000000000003', unpriced_attempts: 0, attempts: 2 })
  })

  test('of a trace is unknown as soon as an attempt that answered has no price', () => {
    const row = trace({ attempts: [anAttempt({ cost: priced(1n) }), anAttempt({ cost: unpriced })] })
    expect(row).toMatchObject({ cost_usd: null, unpriced_attempts: 1 })
  })

  test('of a trace is not lost to an attempt that was refused or never ran', () => {
    const refused = { kind: 'refused', status: 429, error: 'upstream_error', errorType: 'rate_limit_error' } as const
    const unreached = { kind: 'unavailable', error: 'connect_failed', mayHaveRun: false } as const
    const row = trace({
      attempts: [
        anAttempt({ outcome: refused, usage: undefined, cost: unpriced }),
        anAttempt({ outcome: unreached, usage: undefined, cost: unpriced }),
        anAttempt({ cost: priced(5n) }),
      ],
    })
    expect(row).toMatchObject({ cost_usd: '0.000000000005', unpriced_attempts: 0 })
  })

  test('of a call that may have run unseen is counted as unpriced', () => {
    const timedOut = { kind: 'unavailable', error: 'first_byte_timeout', mayHaveRun: true } as const
    const row = trace({
      attempts: [anAttempt({ outcome: timedOut, usage: undefined, cost: unpriced }), anAttempt({ cost: priced(5n) })],
    })
    expect(row).toMatchObject({ cost_usd: '0.000000000005', unpriced_attempts: 1 })
  })

  test('of shadow and judge calls is not the client’s', () => {
    const row = trace({
      attempts: [
        anAttempt({ cost: priced(5n) }),
        anAttempt({ role: 'shadow', cost: priced(7n), servedModel: 'other' }),
      ],
    })
    expect(row).toMatchObject({ cost_usd: '0.000000000005', attempts: 1, served_model: 'gpt-5-mini-2026-08-07' })
  })

  test('comes with the rates it was made by', () => {
    expect(attempts({ attempts: [anAttempt({ cost: priced(5n) })] })[0]?.rates_pico_usd).toEqual({
      uncached_input_tokens: 250_000,
      cache_read_tokens: 25_000,
      text_output_tokens: 2_000_000,
      reasoning_tokens: 2_000_000,
      web_search_requests: 10_000_000_000,
    })
  })
})

describe('usage', () => {
  test('that is unknown is left to be NULL, never zero', () => {
    const silent = { attempts: [anAttempt({ usage: undefined, cost: unpriced })] }
    const counts = (row = {}) => Object.entries(row).filter(([name]) => /_tokens$|web_search_requests/.test(name))
    expect(counts(trace(silent)).map(([, value]) => value)).toEqual(Array(9).fill(null))
    expect(counts(attempts(silent)[0]).map(([, value]) => value)).toEqual(Array(11).fill(null))
  })

  test('that is known to be zero is a zero', () => {
    expect(trace({})).toMatchObject({ cache_write_5m_tokens: 0, uncached_input_tokens: 900 })
  })

  test('of a trace is summed over its attempts, bucket by bucket', () => {
    const row = trace({
      attempts: [anAttempt(), anAttempt({ usage: aUsage({ reasoningTokens: 7, isPartial: true }) })],
    })
    expect(row).toMatchObject({ uncached_input_tokens: 1_800, reasoning_tokens: 57, usage_is_partial: true })
  })

  test('that no counter can hold is unknown', () => {
    for (const nonsense of [-1, 1.5, Number.NaN, 2 ** 60]) {
      const [row] = attempts({ attempts: [anAttempt({ usage: aUsage({ textOutputTokens: nonsense }) })] })
      expect(row?.text_output_tokens).toBeNull()
    }
  })
})

describe('text', () => {
  test('from a client is cut to 256 characters', () => {
    const row = trace({ request: aRequest({ model: 'm'.repeat(100_000), path: `/${'p'.repeat(100_000)}` }) })
    expect(row.requested_model).toBe('m'.repeat(256))
    expect(row.path).toHaveLength(256)
  })

  test('is always valid JSON and valid UTF-8, whatever came', () => {
    for (const hostile of [
      '"',
      '\\',
      '\n',
      '\u0000',
      '\ud800',
      '\udc00x',
      '😀',
      `${'x'.repeat(255)}😀`,
      '\u2028',
      '"}\n{"',
    ]) {
      const line = traceRow(anExchange({ request: aRequest({ model: hostile }) }), 'here')
      expect(line).not.toContain('\n')
      expect(Buffer.from(line).toString()).toBe(line)
      const text = hostile.slice(0, 256).toWellFormed()
      expect(JSON.parse(line)[TRACE_COLUMNS.indexOf('requested_model')]).toBe(text)
      expect(
        trace({ request: aRequest({ controls: { ...aRequest().controls, tags: { [hostile]: hostile } } }) }),
      ).toEqual(expect.objectContaining({ tags: { [text]: text } }))
    }
  })

  test('lists and maps from a client are cut to 32 entries', () => {
    const tags = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`tag${index}`, 'v']))
    const { controls } = aRequest()
    const row = trace({ request: aRequest({ controls: { ...controls, tags } }) })
    expect(Object.keys(row.tags ?? {})).toHaveLength(32)
  })
})

test('a fallback tells why the attempt before it was not enough', () => {
  const timedOut = { kind: 'unavailable', error: 'first_byte_timeout', mayHaveRun: true } as const
  const rows = attempts({
    attempts: [anAttempt({ outcome: timedOut }), anAttempt({ role: 'fallback', fallbackReason: 'slow_answer' })],
  })
  expect(rows[0]).toMatchObject({ may_have_run: true, error: 'first_byte_timeout' })
  expect(rows[0]?.fallback_reason).toBe('')
  expect(rows[1]).toMatchObject({ position: 1, fallback_reason: 'slow_answer' })
})

test('a rejected request without any attempt is a whole row', () => {
  const row = trace({ attempts: [], outcome: 'rejected', status: 413, error: 'body_too_large' })
  expect(row).toMatchObject({ attempts: 0, outcome: 'rejected', status: 413, error: 'body_too_large', cost_usd: null })
  expect(attempts({ attempts: [] })).toEqual([])
})

test('the time to the first token of a trace counts from the arrival of the request', () => {
  const receivedAt = Date.UTC(2026, 10, 20)
  const row = trace({ receivedAt, attempts: [anAttempt({ startedAt: receivedAt + 100, firstTokenMs: 20.5 })] })
  expect(row.first_token_ms).toBe(120.5)
})

test('a tag may be called as it likes', () => {
  const tags = Object.fromEntries([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
  const line = traceRow(anExchange({ request: aRequest({ controls: { ...aRequest().controls, tags } }) }), 'here')
  expect(line).toContain('{"__proto__":"a","constructor":"b"}')
})

test('a text that only looks like half a surrogate pair is kept as it is', () => {
  const user = String.raw`\ud800 "\\udfff"`
  expect(trace({ request: aRequest({ controls: { ...aRequest().controls, user } }) }).user).toBe(user)
})

describe('a decision', () => {
  const labels = { task: 'coding', taskSource: 'rule', complexity: 'simple', complexitySource: 'header' } as const
  const inputs = { facts: someFacts({ labels, user: 'a "b" \ud800' }), health: { 'openai/b': 'degraded' } } as const
  /** Half a surrogate pair is replaced, as in every text of a row: decided again, it must name what the row names. */
  const kept = { ...inputs, facts: { ...inputs.facts, user: 'a "b" \ufffd' } }
  const decision = {
    route: 'chat',
    rule: 'short',
    arm: 'none',
    targets: [{ key: 'openai/a', provider: 'openai', model: 'a' }],
    rejected: [{ target: 'openai/b', why: 'degraded' }],
    reasons: ['rule_held'],
    policyVersion: 'v',
    overlayRevision: `17+${'0199a0b0-0000-7000-8000-000000000001+'.repeat(9)}`,
    unit: { value: 'u1', source: 'session' },
  } as const

  test('of a route is kept with all that it rested on, and reads back', () => {
    const row = trace({ decision, inputs })
    expect(row).toMatchObject({
      task: 'coding',
      task_source: 'rule',
      complexity: 'simple',
      complexity_source: 'header',
      rule: 'short',
      refused: '',
      rejected: [{ target: 'openai/b', why: 'degraded' }],
      overlay_revision: decision.overlayRevision,
      unit: 'u1',
      unit_source: 'session',
    })
    expect(readInputs(String(row.decision_inputs))).toEqual(kept)
    expect(attempts({ decision, inputs })[0]?.task).toBe('coding')
  })

  test('of the default route leaves nothing but its labels', () => {
    const row = trace({ inputs })
    const nothing = {
      rule: '',
      refused: '',
      rejected: [],
      overlay_revision: '',
      unit: '',
      unit_source: '',
      decision_inputs: '',
    }
    expect(row).toMatchObject({ ...nothing, task: 'coding', task_source: 'rule' })
    expect(trace({})).toMatchObject({ ...nothing, task: null, complexity: null, task_source: '' })
  })

  test('that is a refusal is kept too', () => {
    const { targets: _none, ...rest } = decision
    const row = trace({ decision: { ...rest, refused: 'no_usable_target' }, inputs, attempts: [] })
    expect(row).toMatchObject({ refused: 'no_usable_target', targets: [], unit: 'u1' })
    expect(readInputs(String(row.decision_inputs))).toEqual(kept)
  })

  test('whose inputs a client has blown up is kept without them', () => {
    const facts = someFacts({ tags: { long: 'x'.repeat(20_000) } })
    expect(trace({ decision, inputs: { facts, health: {} } })).toMatchObject({ decision_inputs: '', unit: 'u1' })
  })
})

test('every column that is written can be read back', () => {
  expect(Object.keys(STORED_TRACE)).toEqual(expect.arrayContaining([...TRACE_COLUMNS]))
  expect(Object.keys(STORED_ATTEMPT)).toEqual(expect.arrayContaining([...ATTEMPT_COLUMNS]))
})

describe('a row for people to read', () => {
  test('has its names', () => {
    expect(readableRow('["id","kind"]\n', '[1,"a"]')).toBe('{"id":1,"kind":"a"}')
  })

  test('is left as it is where the names do not fit it', () => {
    for (const row of ['[1]', '[1,2,3]', '{"id":1}', '[1,"ha', '', '\u0000']) {
      expect(readableRow('["id","kind"]\n', row)).toBe(row)
    }
    expect(readableRow('["id","ki', '[1,2]')).toBe('[1,2]')
  })
})
