import { setTimeout as delay } from 'node:timers/promises'
import { openClient } from '../store/client.ts'
import type { Read, Row } from '../store/client.ts'
import { parseAs } from '../store/columns.ts'
import type { RowOf } from '../store/columns.ts'
import { openReads } from '../store/read.ts'
import type { TraceRows } from '../store/read.ts'
import type { StoreAccess } from '../store/store.ts'
import type { ModelSummary } from '../store/stored-rows.ts'
import type { RecordedRequest } from './demo-ledger.ts'

const TEAM = {
  team: 'text',
  calls: 'number',
  failed: 'number',
  tokens: 'optionalNumber',
  cost_usd: 'optionalDecimal',
} as const
const OUTCOME = { outcome: 'text', status: 'number', error: 'text', error_type: 'text', calls: 'number' } as const
const LEDGER_ROW = {
  trace_id: 'text',
  call: 'number',
  retry: 'optionalNumber',
  status: 'number',
  input: 'optionalNumber',
  output: 'optionalNumber',
} as const
const COUNTS = { traces: 'number', calls_due: 'number', calls_stored: 'number', usage_asked: 'number' } as const

export type TeamRow = RowOf<typeof TEAM>
export type OutcomeRow = RowOf<typeof OUTCOME>

/** All that the demo shows, as ClickHouse has it. */
export type DemoFindings = {
  readonly models: readonly ModelSummary[]
  readonly teams: readonly TeamRow[]
  readonly outcomes: readonly OutcomeRow[]
  readonly recorded: readonly RecordedRequest[]
  /** Upstream calls as the traces count them, and as they are rows of their own: equal when all is stored. */
  readonly upstreamCalls: { readonly due: number; readonly stored: number }
  /** Streams whose usage is known because the proxy asked for it, which no client did. */
  readonly usageAsked: number
  readonly example: TraceRows | undefined
}

const POLL_MS = 100
const LOOK_BACK_MINUTES = 60
const FORMAT = 'SETTINGS output_format_json_quote_64bit_integers = 0'

/**
 * Reads as anyone with the read-only user could. Waits until `expectedTraces` requests and all their upstream calls
 * are stored, or `patience` ends; then takes what there is.
 */
export async function readFindings(
  access: StoreAccess,
  expectedTraces: number,
  patience: AbortSignal,
): Promise<DemoFindings> {
  const { url, database, readOnly } = access
  const client = openClient({ url, database, username: readOnly?.username ?? '', password: readOnly?.password ?? '' })
  const reads = openReads(client.select, database)
  const rows = async <T>(name: string, sql: string, parse: (row: Row) => T): Promise<readonly T[]> =>
    known(await client.select({ name, sql: `${sql} ${FORMAT}`, parse }))
  try {
    const counts = async () =>
      (
        await rows(
          'demo_counts',
          `SELECT count() AS traces, sum(attempts) AS calls_due, countIf(injects_usage AND outcome = 'completed') AS usage_asked,
          (SELECT count() FROM ${database}.attempts) AS calls_stored FROM ${database}.traces`,
          parseAs(COUNTS),
        )
      )[0]
    let seen = await counts()
    while (
      !patience.aborted &&
      (seen === undefined || seen.traces < expectedTraces || seen.calls_stored < seen.calls_due)
    ) {
      await delay(POLL_MS, undefined, { signal: patience }).catch(() => undefined)
      seen = await counts()
    }
    return {
      models: known(await reads.summary(LOOK_BACK_MINUTES)),
      teams: await rows('demo_teams', teamsOf(database), parseAs(TEAM)),
      outcomes: await rows('demo_outcomes', outcomesOf(database), parseAs(OUTCOME)),
      recorded: (await rows('demo_ledger', ledgerOf(database), parseAs(LEDGER_ROW))).map(recordedOf),
      upstreamCalls: { due: seen?.calls_due ?? 0, stored: seen?.calls_stored ?? 0 },
      usageAsked: seen?.usage_asked ?? 0,
      example: await example(),
    }
  } finally {
    await client.close()
  }

  /** A call that shows much: streamed, with a cache involved where there is one. */
  async function example(): Promise<TraceRows | undefined> {
    const [best] = await rows(
      'demo_example',
      `SELECT trace_id FROM ${database}.traces WHERE outcome = 'completed' AND is_stream
        ORDER BY cache_read_tokens > 0 DESC, cost_usd DESC, trace_id LIMIT 1`,
      parseAs({ trace_id: 'text' }),
    )
    return best === undefined ? undefined : known(await reads.trace(best.trace_id))
  }
}

function teamsOf(database: string): string {
  return `SELECT team, count() AS calls, countIf(outcome NOT IN ('completed', 'cancelled')) AS failed,
      sum(t.input_tokens) + sum(t.output_tokens) AS tokens, sum(t.cost_usd) AS cost_usd
    FROM ${database}.traces AS t GROUP BY team ORDER BY cost_usd DESC, team`
}

function outcomesOf(database: string): string {
  return `SELECT outcome, status, error, error_type, count() AS calls FROM ${database}.traces
    GROUP BY outcome, status, error, error_type ORDER BY calls DESC, outcome, status`
}

function ledgerOf(database: string): string {
  return `SELECT trace_id, toInt32OrDefault(tags['call'], -1::Int32) AS call, sdk_retry AS retry, status,
      input_tokens AS input, output_tokens AS output FROM ${database}.traces`
}

function recordedOf({ trace_id, call, retry, status, input, output }: RowOf<typeof LEDGER_ROW>): RecordedRequest {
  return {
    traceId: trace_id,
    call,
    retry: retry ?? 0,
    status,
    inputTokens: input ?? undefined,
    outputTokens: output ?? undefined,
  }
}

function known<T>(read: Read<T>): T {
  if (read.kind === 'ok') return read.value
  throw new Error(`ClickHouse does not answer: ${read.detail}`)
}
