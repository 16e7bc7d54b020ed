import { text } from 'node:stream/consumers'
import type { Config } from '../domain/policy.ts'
import { MOST_QUERY_ROWS } from '../store/query/run-query.ts'
import { printCsv, printJson, printMarkdown, printTable } from './print-rows.ts'
import type { Cells } from './print-rows.ts'
import { ask } from './read-admin.ts'
import type { Terminal } from './terminal.ts'

export const QUERY_FORMATS = ['table', 'json', 'csv', 'markdown'] as const

export type QueryFormat = (typeof QUERY_FORMATS)[number]

export type QueryOptions = { readonly sql: string; readonly format: QueryFormat; readonly limit: number }

/** Prints what the store answers to one reading SQL statement. Exit code 1 when it is refused, with the reason. */
export async function showQuery(terminal: Terminal, config: Config, options: QueryOptions): Promise<number> {
  const limit = Math.min(Math.max(1, options.limit), MOST_QUERY_ROWS)
  const sql = options.sql === '-' ? await text(terminal.process.stdin) : options.sql
  const answer = await askQuery(config, sql, limit)
  terminal.print(PRINTERS[options.format](answer))
  if (answer.isCut) {
    terminal.complain(`understudy: only the first ${limit} rows are shown; --limit takes up to ${MOST_QUERY_ROWS}.`)
  }
  return 0
}

/** All rows of a reading statement, by column name. Throws when it is refused or there are more than can be given. */
export async function askRows(config: Config, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { columns, rows, isCut } = await askQuery(config, sql, MOST_QUERY_ROWS)
  if (isCut) throw new Error(`more than ${MOST_QUERY_ROWS} rows`)
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])))
}

async function askQuery(config: Config, sql: string, limit: number): Promise<Cells & { readonly isCut: boolean }> {
  const answer = await ask(config, {
    path: `/admin/query?limit=${limit}`,
    sql,
    fromStore: async (_reads, signal, query) => {
      const read = await query(sql, limit, signal)
      if (read.kind !== 'ok') throw new Error(read.detail)
      return { columns: read.columns, rows: read.rows, is_cut: read.isCut }
    },
  })
  return parseAnswer(answer)
}

const PRINTERS: Readonly<Record<QueryFormat, (cells: Cells) => string>> = {
  table: printTable,
  json: printJson,
  csv: printCsv,
  markdown: printMarkdown,
}

/** The answer of `POST /admin/query`. Throws on another. */
function parseAnswer(answer: unknown): Cells & { readonly isCut: boolean } {
  if (typeof answer === 'object' && answer !== null && 'columns' in answer && 'rows' in answer && 'is_cut' in answer) {
    const { columns, rows } = answer
    if (Array.isArray(columns) && Array.isArray(rows)) {
      return {
        columns: columns.map((column: unknown) =>
          typeof column === 'object' && column !== null && 'name' in column ? String(column.name) : '',
        ),
        rows: rows.map((row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [])),
        isCut: answer.is_cut === true,
      }
    }
  }
  throw new Error('the proxy answered something that is no result; its version may be older than this command')
}
