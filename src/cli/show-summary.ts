import Table from 'cli-table3'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, answerJson } from './answer-format.ts'
import { rowsIn, textIn } from './json-rows.ts'
import type { JsonRow } from './json-rows.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'
import { ask } from './read-admin.ts'

export type SummaryOptions = { readonly minutes: number; readonly format: AnswerFormat }

/** Prints calls, tokens, cost and latency of the last `minutes` per model. */
export async function showSummary(
  { print }: Terminal,
  config: Config,
  { minutes, format }: SummaryOptions,
): Promise<number> {
  const answer = await ask(config, {
    path: `/admin/summary?minutes=${minutes}`,
    fromStore: async (reads, signal) => {
      const read = await reads.summary(minutes, signal)
      if (read.kind === 'unavailable') throw new Error(read.detail)
      return { rows: read.value }
    },
  })
  const rows = rowsIn(answer, 'rows')
  if (format === 'json') print(answerJson(rows))
  else if (rows.length === 0) print(`No calls in the last ${minutes} minutes.`)
  else print(`${summaryTable(rows)}\nThe last ${minutes} minutes; --minutes looks further back.`)
  return 0
}

/** The rows of `GET /admin/summary` as text. */
export function summaryTable(rows: readonly JsonRow[]): string {
  const table = new Table({
    head: [
      'provider',
      'model',
      'calls',
      'errors',
      'priced',
      'in',
      'out',
      'USD',
      'p50 ms',
      'p95 ms',
      'ttft p50',
      'ttft p95',
    ],
    style: { head: [], border: [] },
    colAligns: [
      'left',
      'left',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
    ],
  })
  for (const row of rows) {
    const counts = [
      'provider',
      'model',
      'calls',
      'errors',
      'priced_calls',
      'input_tokens',
      'output_tokens',
      'cost_usd',
    ].map((column) => textIn(row, column))
    const times = ['duration_ms_p50', 'duration_ms_p95', 'first_token_ms_p50', 'first_token_ms_p95'].map((column) =>
      milliseconds(row, column),
    )
    table.push([...counts, ...times])
  }
  return tableText(table)
}

function milliseconds(row: JsonRow, column: string): string {
  const text = textIn(row, column)
  return text === '' ? '' : Number(text).toFixed(1)
}
