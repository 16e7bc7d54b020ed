import { replayDecision } from '../domain/feedback/decision-record.ts'
import type { Config } from '../domain/policy.ts'
import { textLiteral } from '../store/analyses/filled-in.ts'
import { textIn } from './json-rows.ts'
import { askRows } from './show-query.ts'
import type { Terminal } from './terminal.ts'

/** Rows read at a time: with a hundred tasks and four models one holds a megabyte, and an answer at most 16. */
const PAGE_ROWS = 10
const MOST_SHOWN = 10

/**
 * Makes every stored decision about weights again, of one route or of all, and prints how many come to the same. Exit code
 * 1 when one does not.
 */
export async function replayWeights({ print }: Terminal, config: Config, route: string | undefined): Promise<number> {
  const where = route === undefined ? '1' : `name = ${textLiteral(route)}`
  let [agreed, read] = [0, 0]
  let last = "('', 0)"
  const differing: string[] = []
  for (;;) {
    const rows = await askRows(
      config,
      `SELECT name, toString(weight_decisions.revision) AS number, kind, after, details FROM weight_decisions
      WHERE ${where} AND (name, weight_decisions.revision) > ${last}
      ORDER BY name, weight_decisions.revision LIMIT ${PAGE_ROWS}`,
    )
    for (const row of rows) {
      last = `(${textLiteral(textIn(row, 'name'))}, ${textIn(row, 'number')})`
      const [kind, after, details] = [textIn(row, 'kind'), textIn(row, 'after'), textIn(row, 'details')]
      const differences = replayDecision({ kind, after, details })
      if (differences.length === 0) agreed += 1
      else differing.push(`${textIn(row, 'name')} ${textIn(row, 'number')}`, ...differences.map((line) => `  ${line}`))
    }
    read += rows.length
    if (rows.length < PAGE_ROWS) break
  }
  if (read === 0) {
    print('No decision about weights is stored.')
    return 0
  }
  print(`${read} decisions made again: ${agreed} agree (${((100 * agreed) / read).toFixed(2)} %).`)
  for (const line of differing.slice(0, MOST_SHOWN)) print(line)
  return agreed === read ? 0 : 1
}
