import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import { filledIn } from '../store/analyses/filled-in.ts'
import { readAnalysis } from '../store/analyses/read-analysis.ts'
import { type JsonRow, textIn } from './json-rows.ts'
import { plainText, printTable } from './print-rows.ts'
import { askRows } from './show-query.ts'

const WINDOW_MS = 7 * 24 * 3_600_000

/** How the models of `route` fared on each task in the last seven days, as a table; undefined without calls. */
export async function callWindows(config: Config, route: string): Promise<string | undefined> {
  const params = { route, as_of: Math.floor(systemWorld.now()), window_ms: WINDOW_MS }
  const rows = await askRows(config, filledIn(readAnalysis('call-windows'), params))
  if (rows.length === 0) return undefined
  return printTable({
    columns: [
      'task',
      'model',
      'calls',
      'success',
      '429',
      'ms p50',
      'p95',
      'p99',
      'first token p50',
      'p95',
      'USD per 1,000',
    ],
    rows: rows.map((row) => [
      plainText(textIn(row, 'task')),
      plainText(`${textIn(row, 'provider')}/${textIn(row, 'model')}`),
      textIn(row, 'calls'),
      shown(row, 'success_rate', (share) => `${(100 * share).toFixed(1)} %`),
      shown(row, 'rate_limited_share', (share) => `${(100 * share).toFixed(1)} %`),
      ...['duration_ms_p50', 'duration_ms_p95', 'duration_ms_p99', 'first_token_ms_p50', 'first_token_ms_p95'].map(
        (column) => shown(row, column, (ms) => ms.toFixed(0)),
      ),
      shown(row, 'cost_usd_per_call', (usd) => (1_000 * usd).toFixed(3)),
    ]),
  })
}

/** '' where nothing is known. */
function shown(row: JsonRow, column: string, format: (value: number) => string): string {
  const value = row[column]
  return typeof value === 'number' ? format(value) : ''
}
