import { createHash } from 'node:crypto'
import type { Scenario } from './scenario.ts'
import { type Run, simulateRollout } from './simulate-rollout.ts'

/** A share of the runs, with its 95 % interval. */
export type Rate = { readonly share: number; readonly low: number; readonly high: number }

/** What many runs of one scenario come to. Medians are over the runs that got there. */
export type Summary = {
  readonly scenario: string
  readonly runs: number
  /** The candidate got 100 % of the traffic, whatever came afterwards. */
  readonly promoted: Rate
  readonly rolledBack: Rate
  readonly medianHoursToFull: number | undefined
  readonly medianHoursToRollback: number | undefined
  /** Requests answered by the candidate until it was rolled back. */
  readonly medianExposed: number | undefined
  /** How many runs were rolled back where, and why: `5% error`. */
  readonly rollbacks: Readonly<Record<string, number>>
}

/** `runs` rollouts of one scenario. Seeds follow from `seed` and the scenario's name, so that scenarios do not share their luck. */
export function simulateMany(scenario: Scenario, runs: number, seed = 1): Summary {
  const first = createHash('sha256').update(scenario.name).digest().readUInt32BE() + seed
  return summarise(
    scenario.name,
    Array.from({ length: runs }, (_, run) => simulateRollout(scenario, first + run)),
  )
}

function summarise(scenario: string, runs: readonly Run[]): Summary {
  const rolledBack = runs.filter(({ outcome }) => outcome === 'rolled_back')
  const rollbacks: Record<string, number> = {}
  for (const { lastStage, cause } of rolledBack) {
    const where = `${lastStage} ${cause}`
    rollbacks[where] = (rollbacks[where] ?? 0) + 1
  }
  const toFull = runs.map(({ hoursToFull }) => hoursToFull).filter((hours) => hours !== undefined)
  return {
    scenario,
    runs: runs.length,
    promoted: wilson(toFull.length, runs.length),
    rolledBack: wilson(rolledBack.length, runs.length),
    medianHoursToFull: median(toFull),
    medianHoursToRollback: median(rolledBack.map(({ hours }) => hours)),
    medianExposed: median(rolledBack.map(({ exposed }) => exposed)),
    rollbacks,
  }
}

const Z_95 = 1.959964

/** Wilson's score interval of a share: right also near 0 and 1. */
export function wilson(successes: number, runs: number): Rate {
  const share = successes / runs
  const width = Z_95 ** 2 / runs
  const middle = (share + width / 2) / (1 + width)
  const half = (Z_95 / (1 + width)) * Math.sqrt((share * (1 - share)) / runs + width / (4 * runs))
  return { share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
}

const COLUMNS = ['scenario', 'runs', 'promoted', 'h to 100 %', 'rolled back', 'h', 'exposed', 'where and why'] as const

/** The summaries as a table for people. */
export function tableOf(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => [
    summary.scenario,
    String(summary.runs),
    rateText(summary.promoted),
    summary.medianHoursToFull?.toFixed(1) ?? '',
    rateText(summary.rolledBack),
    summary.medianHoursToRollback?.toFixed(1) ?? '',
    summary.medianExposed?.toFixed(0) ?? '',
    Object.entries(summary.rollbacks)
      .sort(([, one], [, other]) => other - one)
      .map(([where, count]) => `${where} ×${count}`)
      .join(', '),
  ])
  const widths = COLUMNS.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)))
  return [COLUMNS, ...rows]
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function rateText({ share, low, high }: Rate): string {
  const percent = (value: number): string => (value * 100).toFixed(1)
  return `${percent(share)} % [${percent(low)}, ${percent(high)}]`
}
