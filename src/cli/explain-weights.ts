import { decisionText, sentenceOf, taskText } from '../domain/feedback/explain-decision.ts'
import { recordOfEntry } from '../domain/feedback/decision-record.ts'
import type { ArmDecision, CellDecision } from '../domain/feedback/decide-cell.ts'
import type { Config } from '../domain/policy.ts'
import { callWindows } from './call-windows.ts'
import { textLiteral } from '../store/analyses/filled-in.ts'
import { textIn } from './json-rows.ts'
import { plainText, printTable } from './print-rows.ts'
import { policyInForce } from './route-in-force.ts'
import { askRows } from './show-query.ts'
import type { Terminal } from './terminal.ts'

/**
 * Prints the last decision about the weights of `route`, with all that it rests on, and how the models' calls fared. Exit code
 * 1 where there is none.
 */
export async function explainWeights({ print, complain }: Terminal, config: Config, route: string): Promise<number> {
  const [row] = await askRows(
    config,
    `SELECT toString(revision) AS number, toString(weight_decisions.at) AS decided_at, kind, after, details
    FROM weight_decisions WHERE name = ${textLiteral(route)} ORDER BY weight_decisions.revision DESC LIMIT 1`,
  )
  const [kind, after, details] = ['kind', 'after', 'details'].map((column) => textIn(row, column))
  const record = recordOfEntry({ kind: kind ?? '', after: after ?? '', details: details ?? '' })
  if (record === undefined) {
    complain(`understudy: ${await whyNone(config, route)}`)
    return 1
  }
  print(
    `Decision ${textIn(row, 'number')} of ${textIn(row, 'decided_at')} UTC: ${kind ?? ''}. ${decisionText(record.decision)}`,
  )
  for (const cell of record.decision.cells) {
    print('')
    print(`${plainText(taskText(cell.task))}: ${sentenceOf(cell)}`)
    if (cell.yardstick !== '') print(`Quality is measured by ${plainText(cell.yardstick)}.`)
    print(armsTable(cell))
  }
  const calls = await callWindows(config, route)
  if (calls !== undefined) print(`\nCalls of the last seven days:\n${calls}`)
  return 0
}

async function whyNone(config: Config, route: string): Promise<string> {
  const { whose, routeNames } = await policyInForce(config)
  if (!routeNames.includes(route)) {
    return `there is no route ${route}. Known: ${routeNames.join(', ') || 'none'}. ${whose}`
  }
  return `no decision about the weights of ${route} is stored: the route says no \`feedback\`, or the loop has not looked yet (every five ticks of \`decider\`).`
}

function armsTable({ arms }: CellDecision): string {
  return printTable({
    columns: [
      'target',
      'share',
      'wanted',
      'now',
      'standing',
      'good enough',
      'quality',
      'scores (new)',
      'USD per 1,000',
      'worth',
    ],
    rows: arms.map((arm) => [
      arm.arm,
      percent(arm.share),
      arm.target === undefined ? '' : percent(arm.target),
      percent(arm.next),
      arm.isUntouched ? `${arm.standing}, left alone` : arm.standing,
      goodEnough(arm),
      `${arm.quality.mean.toFixed(3)} ± ${(1.96 * arm.quality.deviation).toFixed(3)}`,
      `${arm.mass.toFixed(0)} (${arm.fresh})`,
      arm.cost === undefined ? 'unknown' : perThousand(arm.cost.mean),
      arm.utility === undefined ? '' : perThousand(arm.utility.mean),
    ]),
  })
}

function goodEnough({ goodEnough: good, aboveMinimum }: ArmDecision): string {
  return aboveMinimum === undefined ? percent(good) : `${percent(good)}, above minimum ${percent(aboveMinimum)}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function perThousand(usd: number): string {
  return (1_000 * usd).toFixed(3)
}
