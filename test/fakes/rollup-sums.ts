import type { Row, StoreClient } from '../../src/store/client.ts'

const TOKENS = [
  'uncached_input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'audio_input_tokens',
  'text_output_tokens',
  'reasoning_tokens',
  'audio_output_tokens',
  'web_search_requests',
]
const OUTCOMES = ['completed', 'refused', 'unavailable', 'interrupted', 'cancelled']

type Fact = {
  readonly time: string
  readonly keys: readonly string[]
  readonly count: string
  readonly priced: string
  readonly outcomes: readonly string[]
  /** Columns that are added up as they are. */
  readonly more: readonly string[]
  readonly digests: readonly string[]
}

/** What a rollup must say of its rows, written down a second time and not taken from the migration. */
const FACTS = {
  attempts: {
    time: 'started_at',
    keys: ['route', 'task', 'provider', 'model', 'arm', 'role'],
    count: 'calls',
    priced: 'priced_calls',
    outcomes: OUTCOMES,
    more: [],
    digests: ['duration_ms', 'first_token_ms', 'queue_ms'],
  },
  traces: {
    time: 'received_at',
    keys: ['route', 'task', 'complexity', 'arm'],
    count: 'requests',
    priced: 'priced_requests',
    outcomes: [...OUTCOMES, 'rejected'],
    more: ['attempts', 'unpriced_attempts'],
    digests: ['duration_ms', 'first_token_ms', 'overhead_ms'],
  },
} as const satisfies Record<string, Fact>

export const ROLLED_UP = ['attempts', 'traces'] as const
export const STEPS = [
  { suffix: '1m', time: 'minute', floor: 'toStartOfMinute' },
  { suffix: '1h', time: 'hour', floor: 'toStartOfHour' },
] as const

export type Sums = { readonly raw: readonly Row[]; readonly rolledUp: readonly Row[] }

/** Every sum of a rollup, by key, beside the same made of the rows. */
export async function sumsOf(
  client: StoreClient,
  fact: (typeof ROLLED_UP)[number],
  { suffix, time, floor }: (typeof STEPS)[number],
): Promise<Sums> {
  const { database } = client.address
  const { time: rawTime, keys, count, priced, outcomes, more }: Fact = FACTS[fact]
  const of = keys.map((key) => `f.${key} AS ${key}`).join(', ')
  const group = `GROUP BY ALL ORDER BY ALL`
  const raw = `SELECT ${floor}(f.${rawTime}) AS at, ${of}, toUInt64(count()) AS ${count},
      ${outcomes.map((outcome) => `sum(f.outcome = '${outcome}') AS ${outcome}`).join(', ')},
      sum(f.text_output_tokens IS NOT NULL) AS usage_known,
      ${[...TOKENS, ...more].map((name) => `toUInt64(sum(coalesce(f.${name}, 0))) AS ${name}`).join(', ')},
      sum(f.cost_usd IS NOT NULL) AS ${priced}, toString(sum(coalesce(f.cost_usd, 0))) AS cost_usd
    FROM ${database}.${fact} AS f ${group}`
  const rolledUp = `SELECT f.${time} AS at, ${of}, ${[count, ...outcomes, 'usage_known', ...TOKENS, ...more, priced]
    .map((name) => `sum(f.${name}) AS ${name}`)
    .join(', ')}, toString(sum(f.cost_usd)) AS cost_usd FROM ${database}.${fact}_${suffix} AS f ${group}`
  return { raw: await rowsOf(client, raw), rolledUp: await rowsOf(client, rolledUp) }
}

/** Per digest column: 50th, 95th and 99th percentile over all rows, exact and as the rollup knows it. */
export async function quantilesOf(
  client: StoreClient,
  fact: (typeof ROLLED_UP)[number],
  suffix: string,
): Promise<readonly { readonly exact: readonly number[]; readonly rolledUp: readonly number[] }[]> {
  const { database } = client.address
  return Promise.all(
    FACTS[fact].digests.map(async (column) => {
      const values = column === 'queue_ms' || column === 'overhead_ms' ? '1' : "f.outcome = 'completed'"
      const exact = `SELECT quantilesExactIf(0.5, 0.95, 0.99)(f.${column}, ${values}) AS q FROM ${database}.${fact} AS f`
      const merged = `SELECT quantilesTDigestMerge(0.5, 0.95, 0.99)(${column}) AS q FROM ${database}.${fact}_${suffix}`
      const numbers = async (sql: string): Promise<readonly number[]> => {
        const [row] = await rowsOf(client, sql)
        return Array.isArray(row?.['q']) ? row['q'].map(Number) : []
      }
      return { exact: await numbers(exact), rolledUp: await numbers(merged) }
    }),
  )
}

export async function rowsOf(client: StoreClient, sql: string): Promise<readonly Row[]> {
  const read = await client.select({ name: 'test', sql, parse: (row) => row })
  if (read.kind === 'unavailable') throw new Error(read.detail)
  return read.value
}
