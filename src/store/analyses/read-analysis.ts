import { readFileSync } from 'node:fs'

/** An analysis in SQL, the one text that commands, dashboards and decisions share. Its parameters are in its head. */
export type Analysis =
  | 'assigned-arms'
  | 'weighted-choices'
  | 'paired-betting'
  | 'bad-events'
  | 'live-pairs'
  | 'shadow-pairs'
  | 'rollout-calls'
  | 'rollout-shadow-calls'
  | 'quality-windows'
  | 'request-costs'
  | 'call-windows'
  | 'routed-traffic'
  | 'routing-accuracy'
  | 'routing-audits'

/** The text of `analysis`, for `Select`. */
export function readAnalysis(analysis: Analysis): string {
  return readFileSync(new URL(`${analysis}.sql`, import.meta.url), 'utf8')
}

/** The text of `analysis`, reading from the query `source` where it would read from a table. */
export function analysisOver(analysis: 'bad-events' | 'live-pairs', source: string): string {
  return readAnalysis(analysis).replace(/\{database:Identifier\}\.\{\w+:Identifier\}/, () => `(${source})`)
}
