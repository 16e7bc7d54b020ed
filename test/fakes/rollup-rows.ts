import fc from 'fast-check'
import type { Field } from '../../src/store/row-fields.ts'

const DAY_MS = 86_400_000
const NOON = Date.UTC(2026, 10, 20, 12)
const USAGE = [
  'uncached_input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'audio_input_tokens',
  'text_output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'web_search_requests',
] as const

export const ATTEMPT_COLUMNS = [
  'attempt_id',
  'started_at',
  'route',
  'task',
  'provider',
  'model',
  'arm',
  'role',
  'outcome',
  'queue_ms',
  'duration_ms',
  'first_token_ms',
  'cost_usd',
  ...USAGE,
] as const

export const TRACE_COLUMNS = [
  'trace_id',
  'received_at',
  'route',
  'task',
  'complexity',
  'arm',
  'outcome',
  'attempts',
  'unpriced_attempts',
  'overhead_ms',
  'duration_ms',
  'first_token_ms',
  'cost_usd',
  ...USAGE,
] as const

/** Any of the last three days, in few minutes, so that keys meet. */
const at = fc
  .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 180_000 }))
  .map(([days, ms]) => NOON - days * DAY_MS + ms)
const milliseconds = fc.integer({ min: 0, max: 100_000 }).map((us) => us / 1_000)
/** Exact, to the twelfth decimal: floats would lose these. */
const cost = fc.option(
  fc.bigInt({ min: 0n, max: 999_999_999_999n }).map((pico) => `0.${String(pico).padStart(12, '0')}`),
)
const usage = fc.oneof(
  fc.tuple(...USAGE.map(() => fc.integer({ min: 0, max: 2_000_000_000 }))),
  fc.constant(USAGE.map(() => null)),
)
const oneOf = (...texts: readonly string[]) => fc.constantFrom(...texts)

/** Batches of rows of `attempts` with the columns ATTEMPT_COLUMNS. */
export const anyAttempts: fc.Arbitrary<readonly (readonly Field[])[]> = rows(
  fc
    .tuple(
      fc.uuid(),
      at,
      oneOf('default', 'chat'),
      oneOf('unknown', 'coding'),
      oneOf('openai', 'anthropic'),
      oneOf('', 'big', 'small'),
      oneOf('none', 'stable', 'candidate'),
      oneOf('primary', 'fallback', 'shadow'),
      oneOf('completed', 'refused', 'unavailable', 'interrupted', 'cancelled'),
      milliseconds,
      milliseconds,
      fc.option(milliseconds),
      cost,
    )
    .chain((row) => usage.map((counts): readonly Field[] => [...row, ...counts])),
)

/** Batches of rows of `traces` with the columns TRACE_COLUMNS. */
export const anyTraces: fc.Arbitrary<readonly (readonly Field[])[]> = rows(
  fc
    .tuple(
      fc.uuid(),
      at,
      oneOf('default', 'chat'),
      oneOf('unknown', 'coding'),
      oneOf('unknown', 'simple'),
      oneOf('none', 'stable'),
      oneOf('completed', 'refused', 'unavailable', 'interrupted', 'cancelled', 'rejected'),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      milliseconds,
      milliseconds,
      fc.option(milliseconds),
      cost,
    )
    .chain((row) => usage.map((counts): readonly Field[] => [...row, ...counts])),
)

function rows(row: fc.Arbitrary<readonly Field[]>): fc.Arbitrary<readonly (readonly Field[])[]> {
  return fc.array(row, { minLength: 1, maxLength: 60 })
}
