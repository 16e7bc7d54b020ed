import type { Config } from '../domain/policy.ts'
import { askRows } from './ask-rows.ts'
import { type QueryFormat } from './show-query.ts'
import { printCsv, printJson, printMarkdown, printTable } from './print-rows.ts'
import type { Terminal } from './terminal.ts'

/**
 * Prints the mean scores of the last `minutes` per task, model and evaluator, and why some are missing; those below their minimum are marked. Tells of
 * feedback about requests that nobody knows.
 */
export async function showScores(
  { print, complain }: Terminal,
  config: Config,
  { minutes, format }: { readonly minutes: number; readonly format: QueryFormat },
): Promise<number> {
  const rows = await askRows(
    config,
    `SELECT task, provider, model, source, evaluator, version, countIf(value IS NOT NULL) AS scores, countIf(value IS NULL) AS missing, arrayStringConcat(arraySort(groupUniqArrayIf(failure, value IS NULL AND failure != '')), ', ') AS why, round(avg(value), 4) AS mean FROM v_answer_scores WHERE trace_at >= now() - INTERVAL ${minutes} MINUTE GROUP BY ALL ORDER BY task, provider, model, source, evaluator LIMIT 10000`,
  )
  const minimum = config.policy.scoring?.minimum
  const cells = {
    columns: [
      'task',
      'provider',
      'model',
      'source',
      'evaluator',
      'version',
      'scores',
      'missing',
      'why missing',
      'mean',
      'minimum',
    ],
    rows: rows.map((row) => {
      const least = minimum?.get(String(row[0]))
      const mean = row[9]
      if (least === undefined) return [...row, null]
      return [...row, typeof mean === 'number' && mean < least ? `below ${least}` : String(least)]
    }),
  }
  const printers = { table: printTable, json: printJson, csv: printCsv, markdown: printMarkdown }
  const isEmpty = rows.length === 0 && format === 'table'
  print(isEmpty ? `No scores in the last ${minutes} minutes.` : printers[format](cells))
  const [stray] = await askRows(
    config,
    `SELECT count(), any(toString(trace_id)) FROM v_scores_of_no_trace WHERE scored_at >= now() - INTERVAL ${minutes} MINUTE`,
  )
  if (Number(stray?.[0] ?? 0) > 0) {
    complain(
      `understudy: ${String(stray?.[0])} comments are about requests that nobody knows an hour later, such as ${String(stray?.[1])}; see v_scores_of_no_trace.`,
    )
  }
  return 0
}
