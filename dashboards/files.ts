import { stringify } from 'yaml'
import { alertRules } from './alerts.ts'
import { comparison } from './comparison.ts'
import { cost } from './cost.ts'
import { overview } from './overview.ts'
import { quality } from './quality.ts'
import { reliability } from './reliability.ts'
import { rollouts } from './rollouts.ts'
import { shadow } from './shadow.ts'
import { trace } from './trace.ts'

export const BOARDS = { overview, cost, reliability, quality, rollouts, shadow, comparison, trace } as const

const HEAD = '# Made by `npm run dashboards` out of dashboards/alerts.ts: change it there.\n'

/** Text of every generated file, by its path under dashboards/. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const boards = Object.entries(BOARDS).map(
    ([name, board]) => [`json/${name}.json`, `${JSON.stringify(board(), null, 2)}\n`] as const,
  )
  // What has no text in JSON (methods, undefined) has none in YAML either.
  const alerts = HEAD + stringify(JSON.parse(JSON.stringify(alertRules())), { lineWidth: 120 })
  return new Map([...boards, ['provisioning/alerting/understudy.yaml', alerts]])
}
