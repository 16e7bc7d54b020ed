import Table from 'cli-table3'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, answerJson } from './answer-format.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'
import { ask } from './read-admin.ts'
import { rowsIn, textIn } from './json-rows.ts'
import type { JsonRow } from './json-rows.ts'

export type TracesOptions = {
  readonly id: string | undefined
  readonly limit: number
  readonly minutes: number
  readonly format: AnswerFormat
}

/** Prints the newest calls as a table, or everything that is known of one. */
export async function showTraces(terminal: Terminal, config: Config, options: TracesOptions): Promise<number> {
  return options.id === undefined ? listTraces(terminal, config, options) : showTrace(terminal, config, options.id)
}

async function listTraces(
  { print }: Terminal,
  config: Config,
  { limit, minutes, format }: TracesOptions,
): Promise<number> {
  const answer = await ask(config, {
    path: `/admin/traces?limit=${limit}&minutes=${minutes}`,
    fromStore: async (reads, signal) => {
      const read = await reads.recentTraces({ limit, minutes, equals: {}, status: undefined }, signal)
      if (read.kind === 'unavailable') throw new Error(read.detail)
      return { traces: read.value }
    },
  })
  const rows = rowsIn(answer, 'traces')
  if (format === 'json') {
    print(answerJson(rows))
    return 0
  }
  if (rows.length === 0) {
    print(`No calls in the last ${minutes} minutes.`)
    return 0
  }
  const table = new Table({
    head: ['received', 'trace id', 'api', 'model', 'status', 'outcome', 'in', 'out', 'USD', 'ms', 'ttft ms'],
    style: { head: [], border: [] },
  })
  for (const row of rows) table.push(traceCells(row))
  print(tableText(table))
  print(`One call in full: npx understudy traces ${textIn(rows[0], 'trace_id')}`)
  return 0
}

function traceCells(row: JsonRow): string[] {
  const error = textIn(row, 'error')
  return [
    textIn(row, 'received_at').replace('T', ' ').slice(0, 23),
    textIn(row, 'trace_id'),
    textIn(row, 'api') === 'passthrough'
      ? `${textIn(row, 'method')} ${textIn(row, 'path')}`.slice(0, 32)
      : textIn(row, 'api'),
    textIn(row, 'served_model') || textIn(row, 'requested_model'),
    textIn(row, 'status'),
    error === '' ? textIn(row, 'outcome') : `${textIn(row, 'outcome')} (${error})`,
    textIn(row, 'input_tokens'),
    textIn(row, 'output_tokens'),
    textIn(row, 'cost_usd'),
    rounded(row, 'duration_ms'),
    rounded(row, 'first_token_ms'),
  ]
}

async function showTrace({ print, complain }: Terminal, config: Config, id: string): Promise<number> {
  const answer = await ask(config, {
    path: `/admin/traces/${encodeURIComponent(id)}`,
    fromStore: async (reads, signal) => {
      const read = await reads.trace(id, signal)
      if (read.kind === 'unavailable') throw new Error(read.detail)
      return read.value
    },
  })
  if (answer === undefined) {
    complain('understudy: no trace has this id; it may be about a second from being stored, or past its retention.')
    return 1
  }
  print(answerJson(answer))
  return 0
}

function rounded(row: JsonRow, column: string): string {
  const text = textIn(row, column)
  return text === '' ? '' : Number(text).toFixed(0)
}
