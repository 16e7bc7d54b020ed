import { type AuditedPicks, LEAST_BACKED_SHARE, type Regret } from '../domain/feedback/audited-picks.ts'
import type { Estimate } from '../domain/feedback/effectiveness.ts'
import { type Cells, printTable } from './print-rows.ts'

/** What routing audits have found, for people: one sentence, and a table of tasks (`draw`) where something may be claimed. */
export function picksLines(picks: AuditedPicks, draw: (cells: Cells) => string = printTable): readonly string[] {
  const { requests, partial, units, backedShare, accuracy, tasks, regretUsd } = picks
  if (requests + partial === 0) {
    return [
      'Picks: no audited request has a verdict. An audit of kind routing asks every model of the route, and the judge.',
    ]
  }
  const left = partial === 0 ? '' : ` ${partial} more lack a verdict or a cost of some model.`
  const backed = `which speak for ${percent(backedShare)} of the traffic`
  if (accuracy === undefined || regretUsd === undefined) {
    return [
      `Picks: not enough evidence (${requests} audited requests, ${backed}, of at least ${percent(LEAST_BACKED_SHARE)}).${left}`,
    ]
  }
  const whose = units === requests ? '' : ` of ${units} conversations or users`
  return [
    `Picks: ${range(accuracy)} of ${requests} audited requests${whose}, ${backed}, went to the model worth most. ${regretText(regretUsd)}${left}`,
    draw({
      columns: ['task', 'right picks [95 %]', 'audited', 'conversations or users'],
      rows: tasks.map((each) => [each.task, range(each), each.requests, each.units]),
    }),
  ]
}

function regretText({ mean, interval }: Regret): string {
  if (mean === 0) return 'Regret: none was seen.'
  const usd = (value: number): string => value.toFixed(6)
  const within =
    interval === undefined ? 'too few to say how sure that is' : `95 %: ${usd(interval.low)} to ${usd(interval.high)}`
  return `Regret: ${usd(mean)} USD a request (${within}).`
}

function range({ mean, low, high }: Estimate): string {
  return `${percent(mean)} (95 %: ${percent(low)} to ${percent(high)})`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
