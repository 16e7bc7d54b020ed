import { replayTraces, type AskRows, type ReplayReport } from '../compose/replay-traces.ts'
import type { Config } from '../domain/policy.ts'
import { askRows } from './show-query.ts'
import type { Terminal } from './terminal.ts'

export type ReplayCommandOptions = { readonly since: number; readonly limit: number }

/** Differences shown; the rest is counted. */
const MOST_SHOWN = 10

/**
 * Decides stored traces again and prints how many agree. Exit code 1 when one does not, or could not be decided again.
 */
export async function replayStored(terminal: Terminal, config: Config, options: ReplayCommandOptions): Promise<number> {
  const ask: AskRows = (sql) => askRows(config, sql)
  const report = await replayTraces(ask, {
    sinceMinutes: options.since,
    limit: options.limit,
    environment: terminal.process.env,
  })
  for (const line of reportLines(report)) terminal.print(line)
  return report.differing.length === 0 && report.unreplayable.size === 0 ? 0 : 1
}

function reportLines({ agreed, differing, unreplayable }: ReplayReport): readonly string[] {
  const decided = agreed + differing.length
  if (decided === 0 && unreplayable.size === 0) return ['No traces that a route decided.']
  const share = decided === 0 ? 'none' : `${((100 * agreed) / decided).toFixed(2)} %`
  const shown = differing
    .slice(0, MOST_SHOWN)
    .flatMap(({ traceId, differences }) => [
      `${traceId} differs:`,
      ...differences.map(({ field, stored, replayed }) => `  ${field}: stored ${stored}, decided now ${replayed}`),
    ])
  return [
    `${decided} traces decided again: ${agreed} agree (${share}).`,
    ...shown,
    ...(differing.length > MOST_SHOWN ? [`… and ${differing.length - MOST_SHOWN} more differ.`] : []),
    ...[...unreplayable].map(([why, count]) => `${count} could not be decided again: ${why}.`),
  ]
}
