import type { Config } from '../domain/policy.ts'
import { MOST_QUERY_ROWS } from '../store/query/run-query.ts'
import { ask } from './read-admin.ts'

/** The rows that the store answers to one reading statement, by way of the running proxy where there is one. */
export async function askRows(config: Config, sql: string): Promise<readonly (readonly unknown[])[]> {
  const answer = await ask(config, {
    path: `/admin/query?limit=${MOST_QUERY_ROWS}`,
    sql,
    fromStore: async (_reads, signal, query) => {
      const read = await query(sql, MOST_QUERY_ROWS, signal)
      if (read.kind !== 'ok') throw new Error(read.detail)
      return { rows: read.rows }
    },
  })
  const rows = typeof answer === 'object' && answer !== null && 'rows' in answer ? answer.rows : undefined
  return Array.isArray(rows) ? rows.map((row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [])) : []
}
