import { type DecisionResult, replayDecision } from '../domain/rollout/decision-record.ts'
import type { Config } from '../domain/policy.ts'
import { textIn } from './json-rows.ts'
import { askRows } from './show-query.ts'
import type { Terminal } from './terminal.ts'

/** Rows read at a time: a decision holds all that it went by, on a busy route some hundred kilobytes. */
const PAGE_ROWS = 50
const MOST_SHOWN = 10

/**
 * Makes every stored decision of a rollout again, out of its row alone, and prints how many come to the same. Exit code 1
 * when one does not.
 */
export async function replayRollout({ print }: Terminal, config: Config, name: string): Promise<number> {
  const rollout = name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  let [agreed, read] = [0, 0]
  const differing: string[] = []
  for (;;) {
    const rows = await askRows(
      config,
      `SELECT toString(decision_id) AS id, toString(rollout_decisions.at) AS decided_at, rule, action, because, inputs, result
      FROM rollout_decisions WHERE rollout = '${rollout}'
      ORDER BY rollout_decisions.at, decision_id LIMIT ${PAGE_ROWS} OFFSET ${read}`,
    )
    for (const row of rows) {
      const because = Array.isArray(row['because']) ? row['because'].map(String) : []
      const [rule, action, result] = [textIn(row, 'rule'), textIn(row, 'action'), textIn(row, 'result')]
      const stored: DecisionResult = { rule, action, because, result }
      const differences = replayDecision(textIn(row, 'inputs'), stored)
      if (differences.length === 0) agreed += 1
      else
        differing.push(`${textIn(row, 'decided_at')} ${textIn(row, 'id')}`, ...differences.map((line) => `  ${line}`))
    }
    read += rows.length
    if (rows.length < PAGE_ROWS) break
  }
  if (read === 0) {
    print(`No decision about ${name} is stored.`)
    return 0
  }
  print(`${read} decisions made again: ${agreed} agree (${((100 * agreed) / read).toFixed(2)} %).`)
  for (const line of differing.slice(0, MOST_SHOWN)) print(line)
  return agreed === read ? 0 : 1
}
