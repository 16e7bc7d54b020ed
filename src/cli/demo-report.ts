import type { TraceRows } from '../store/read.ts'
import type { ModelSummary } from '../store/stored-rows.ts'
import type { OutcomeRow, TeamRow } from './demo-reads.ts'

// All lines fit a terminal of 80 columns.

type Column = { readonly head: string; readonly align: 'left' | 'right'; readonly cells: readonly string[] }

/** Calls, errors, tokens, cost and time per model. */
export function modelLines(rows: readonly ModelSummary[]): readonly string[] {
  const column = (head: string, cell: (row: ModelSummary) => string): Column => right(head, rows.map(cell))
  return [
    'Per model',
    ...table([
      left(
        'model',
        rows.map((row) => modelName(row, rows)),
      ),
      column('calls', ({ calls }) => String(calls)),
      column('err', ({ errors }) => String(errors)),
      column('in', (row) => short(row.input_tokens)),
      column('out', (row) => short(row.output_tokens)),
      column('USD', (row) => usd(row.cost_usd)),
      column('p50', (row) => rounded(row.duration_ms_p50)),
      column('p95', (row) => rounded(row.duration_ms_p95)),
      column('ttft', (row) => rounded(row.first_token_ms_p50)),
    ]),
    '  in, out: tokens. p50, p95, ttft (time to first token, median): milliseconds.',
  ]
}

/** The model, with its provider where two of them were asked for one of that name. */
function modelName({ provider, model }: ModelSummary, rows: readonly ModelSummary[]): string {
  const isShared = rows.some((row) => row.model === model && row.provider !== provider)
  return isShared ? `${model} (${provider})` : model
}

/** What each team spent, with a bar for its share. */
export function teamLines(rows: readonly TeamRow[]): readonly string[] {
  const most = Math.max(...rows.map((row) => Number(row.cost_usd)), Number.MIN_VALUE)
  return [
    'Per team',
    ...table([
      left(
        'team',
        rows.map(({ team }) => team),
      ),
      right(
        'calls',
        rows.map(({ calls }) => String(calls)),
      ),
      right(
        'failed',
        rows.map(({ failed }) => String(failed)),
      ),
      right(
        'tokens',
        rows.map(({ tokens }) => short(tokens)),
      ),
      right(
        'USD',
        rows.map((row) => usd(row.cost_usd)),
      ),
      left(
        '',
        rows.map((row) => '█'.repeat(Math.round((20 * Number(row.cost_usd)) / most))),
      ),
    ]),
  ]
}

/** How the calls ended, and what failed. */
export function outcomeLines(rows: readonly OutcomeRow[]): readonly string[] {
  return [
    'Outcomes',
    ...table([
      left(
        'outcome',
        rows.map(({ outcome }) => outcome),
      ),
      right(
        'status',
        rows.map(({ status }) => (status === 0 ? 'none' : String(status))),
      ),
      left(
        'error',
        rows.map(({ error }) => error),
      ),
      left(
        'as the provider calls it',
        rows.map((row) => row.error_type),
      ),
      right(
        'calls',
        rows.map(({ calls }) => String(calls)),
      ),
    ]),
  ]
}

/** One call with what was asked, decided and answered, and what it cost by which rates. */
export function callLines({ trace, attempts }: TraceRows): readonly string[] {
  const attempt = attempts.at(-1)
  const tags = Object.entries(trace.tags).map(([name, value]) => `${name}=${typeof value === 'string' ? value : ''}`)
  return [
    `One call in full: trace ${trace.trace_id}`,
    `  asked     ${trace.provider} ${trace.api} ${trace.requested_model}${trace.is_stream ? ', streamed' : ''}, ${trace.request_bytes} bytes`,
    `  by        team ${trace.team}, ${trace.user}, ${trace.session}`,
    `  tags      ${tags.join(' ')}`,
    `  decided   route ${trace.route}, because ${trace.reasons.join(', ')}; policy ${trace.policy_version}`,
    `  answered  ${trace.outcome} ${trace.status} by ${trace.served_model}, ended with ${trace.finish_reason}`,
    `  provider  request ${attempt?.provider_request_id ?? ''}`,
    `  time      ${rounded(trace.duration_ms)} ms, first token after ${rounded(trace.first_token_ms)} ms; the proxy added ${trace.overhead_ms.toFixed(2)} ms`,
    `  tokens    ${count(trace.uncached_input_tokens)} in, ${count(trace.cache_read_tokens)} read from cache, ${count(trace.cache_write_5m_tokens)} written to it, ${count(trace.output_tokens)} out`,
    `  cost      ${trace.cost_usd ?? 'unknown'} USD by ${attempt?.price_source ?? ''}`,
  ]
}

function left(head: string, cells: readonly string[]): Column {
  return { head, align: 'left', cells }
}

function right(head: string, cells: readonly string[]): Column {
  return { head, align: 'right', cells }
}

function table(columns: readonly Column[]): readonly string[] {
  const widths = columns.map(({ head, cells }) => Math.max(head.length, ...cells.map((cell) => cell.length)))
  const line = (texts: readonly string[]): string =>
    `  ${texts
      .map((text, index) => {
        const width = widths[index] ?? 0
        return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')}`.trimEnd()
  const height = Math.max(...columns.map(({ cells }) => cells.length))
  return [
    line(columns.map(({ head }) => head)),
    line(widths.map((width) => '─'.repeat(width))),
    ...Array.from({ length: height }, (_, row) => line(columns.map(({ cells }) => cells[row] ?? ''))),
  ]
}

/** 12345 as `12.3k`; nothing for what is unknown. */
function short(number: number | null): string {
  if (number === null) return ''
  return number < 10_000 ? String(number) : `${(number / 1000).toFixed(1)}k`
}

function count(number: number | null): string {
  return number === null ? '?' : String(number)
}

function usd(decimal: string | null): string {
  if (decimal === null) return ''
  const dollars = Number(decimal)
  return dollars > 0 && dollars < 0.0001 ? '<.0001' : dollars.toFixed(4)
}

function rounded(milliseconds: number | null): string {
  return milliseconds === null ? '' : milliseconds.toFixed(0)
}
