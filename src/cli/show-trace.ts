import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, answerJson } from './answer-format.ts'
import { type JsonRow, recordIn, rowsIn, textIn } from './json-rows.ts'
import { plainText, printTable } from './print-rows.ts'
import { ask } from './read-admin.ts'
import type { Terminal } from './terminal.ts'

export type TraceOptions = { readonly id: string; readonly format: AnswerFormat }

const ATTEMPT_COLUMNS = [
  'role',
  'provider',
  'model',
  'outcome',
  'status',
  'error',
  'fallback_reason',
  'queue_ms',
  'first_token_ms',
  'duration_ms',
  'cost_usd',
]

/** Prints all that is known of one call, and what was said where that is kept. Exit code 1 when there is no such call. */
export async function showTrace({ print, complain }: Terminal, config: Config, options: TraceOptions): Promise<number> {
  const { id, format } = options
  const answer = await ask(config, {
    path: `/admin/traces/${encodeURIComponent(id)}`,
    fromStore: async (reads, signal) => {
      const read = await reads.trace(id, signal)
      if (read.kind === 'unavailable') throw new Error(read.detail)
      return read.value
    },
  })
  const trace = recordIn(answer, 'trace')
  if (trace === undefined) {
    complain('understudy: no trace has this id; it may be about a second from being stored, or past its retention.')
    return 1
  }
  if (format === 'json') {
    print(answerJson(answer))
    return 0
  }
  print(printTable({ columns: ['trace', ''], rows: filledFields(trace) }))
  const attempts = rowsIn(answer, 'attempts')
  if (attempts.length > 0) {
    print(
      printTable({ columns: ATTEMPT_COLUMNS, rows: attempts.map((row) => ATTEMPT_COLUMNS.map((name) => row[name])) }),
    )
  }
  printContent(print, recordIn(answer, 'content'))
  return 0
}

function filledFields(row: JsonRow): readonly (readonly unknown[])[] {
  return Object.entries(row).filter(([, value]) => {
    const isEmpty = value === null || value === '' || value === false
    return !isEmpty && JSON.stringify(value) !== '[]' && JSON.stringify(value) !== '{}'
  })
}

function printContent(print: Terminal['print'], content: JsonRow | undefined): void {
  if (content === undefined) {
    print('What was said is not kept (content.mode), not stored yet, or past its retention.')
    return
  }
  for (const side of ['request', 'answer']) {
    const hash = textIn(content, `${side}_hash`)
    print(`\n${side} (${textIn(content, `${side}_kept`)}${hash === '' ? '' : `, hash ${hash.slice(0, 16)}…`})`)
    const text = textIn(content, side)
    if (text !== '') print(plainText(indented(text)))
  }
  const redactions = JSON.stringify(content['redactions'])
  if (redactions !== '{}') print(`\nredacted ${redactions}`)
}

/** JSON over several lines; what was cut is none, and stays as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}
