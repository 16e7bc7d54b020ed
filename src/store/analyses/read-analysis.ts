import { readFileSync } from 'node:fs'

/** An analysis in SQL, the one text that commands, dashboards and decisions share. Its parameters are in its head. */
export type Analysis = 'assigned-arms' | 'weighted-choices' | 'paired-betting' | 'bad-events' | 'live-pairs'

/** The text of `analysis`, for `Select`. */
export function readAnalysis(analysis: Analysis): string {
  return readFileSync(new URL(`${analysis}.sql`, import.meta.url), 'utf8')
}
