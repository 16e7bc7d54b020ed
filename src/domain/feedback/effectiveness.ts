import { proportionInterval } from '../statistics/proportion-interval.ts'
import type { QualityReading } from './readings.ts'
import { addTallies, type Tally } from './tally.ts'

/** Requests of one task that were decided for one model first. US dollars. */
export type RoutedTraffic = {
  readonly task: string
  readonly arm: string
  readonly requests: number
  readonly fallenBack: number
  readonly priced: number
  readonly usd: number
  /** Of the cost of one request; undefined with fewer than two. */
  readonly usdVariance: number | undefined
}

export type AccuracyRow = {
  readonly task: string
  readonly pairs: number
  readonly cheaperWouldDo: number
  readonly dearerWasNeeded: number
}

export type EffectivenessInputs = {
  /** The model that would have answered everything. */
  readonly baseline: string
  readonly traffic: readonly RoutedTraffic[]
  /** Each value weighs 1. Pairs are against the baseline. */
  readonly quality: readonly QualityReading[]
  readonly accuracy: readonly AccuracyRow[]
  readonly minimum: Readonly<Record<string, number>>
}

/** A mean or a share with its 95 % interval. */
export type Estimate = { readonly mean: number; readonly low: number; readonly high: number }

export type Effectiveness = {
  readonly baseline: string
  readonly requests: number
  /** Of these, requests that went to other models than the baseline. */
  readonly elsewhere: number
  /** Share of the requests elsewhere of whose model pairs with the baseline speak; see `isEnough`. */
  readonly backedShare: number
  readonly isEnough: boolean
  /** Share of what the baseline would have cost; undefined where its costs are not known for enough of the traffic. */
  readonly saving: Estimate | undefined
  readonly savedUsd: number | undefined
  /** Mean difference to the baseline per request, over its own and the backed traffic; undefined without any of the latter. */
  readonly quality: Estimate | undefined
  readonly fallback: Estimate
  readonly isFallbackHigh: boolean
  /** Share of judged pairs of which the cheapest that was good enough had answered. */
  readonly accuracy: Estimate | undefined
  readonly pairs: number
  readonly matrix: readonly MatrixCell[]
}

/** How good a model is at a task, and whether that is enough. */
export type MatrixCell = Estimate & {
  readonly task: string
  readonly arm: string
  readonly yardstick: QualityReading['yardstick']
  readonly scores: number
  readonly minimum: number | undefined
  /** The whole interval lies below the minimum. */
  readonly isBelow: boolean
}

/** Below it a saving is not published (decision 20). */
const LEAST_BACKED_SHARE = 0.3
/** Pairs of a model with the baseline at a task from which on they speak for it. */
const LEAST_PAIRS = 50
/** Requests of the baseline with a known cost, at a task, from which on it is known what it costs there. */
const LEAST_PRICED = 20
const HIGH_FALLBACK_SHARE = 0.1
const NORMAL_95 = 1.959964

/** What routing has brought, against a model that would have answered everything. Pure. */
export function effectiveness(inputs: EffectivenessInputs): Effectiveness {
  const { baseline, traffic, accuracy } = inputs
  const requests = sum(traffic.map((row) => row.requests))
  const others = traffic.filter((row) => row.arm !== baseline)
  const elsewhere = sum(others.map((row) => row.requests))
  const backed = others.filter((row) => pairsOf(inputs, row).mass >= LEAST_PAIRS)
  // What the baseline answered itself is no evidence of what others save.
  const backedShare = elsewhere === 0 ? 0 : sum(backed.map((row) => row.requests)) / elsewhere
  const saving = savingOf(inputs, elsewhere)
  const fallenBack = sum(traffic.map((row) => row.fallenBack))
  const pairs = sum(accuracy.map((row) => row.pairs))
  const wrong = sum(accuracy.map((row) => row.cheaperWouldDo + row.dearerWasNeeded))
  const isEnough = backedShare >= LEAST_BACKED_SHARE
  return {
    baseline,
    requests,
    elsewhere,
    backedShare,
    isEnough,
    saving: saving?.share,
    savedUsd: saving?.usd,
    quality: qualityChange(inputs, backed, requests - elsewhere),
    fallback: shareOf(fallenBack, requests),
    isFallbackHigh: fallenBack > HIGH_FALLBACK_SHARE * requests,
    accuracy: pairs === 0 ? undefined : shareOf(pairs - wrong, pairs),
    pairs,
    matrix: matrixOf(inputs),
  }
}

type Cell = Pick<RoutedTraffic, 'task' | 'arm'>

function pairsOf({ quality }: EffectivenessInputs, { task, arm }: Cell): Tally {
  return addTallies(
    quality
      .filter((row) => row.yardstick.source === 'pairs' && row.task === task && row.arm === arm)
      .map(({ tally }) => tally),
  )
}

/**
 * What other models' requests would have cost at the baseline's mean of their task, less what they did cost. What the
 * baseline answered itself is in the total. The interval is that of its means.
 */
function savingOf(
  { baseline, traffic }: EffectivenessInputs,
  elsewhere: number,
): { readonly share: Estimate; readonly usd: number } | undefined {
  let [saved, whole, variance, covered] = [0, 0, 0, 0]
  for (const own of traffic.filter((row) => row.arm === baseline && row.priced >= LEAST_PRICED)) {
    const others = traffic.filter((row) => row.task === own.task && row.arm !== baseline)
    const mean = own.usd / own.priced
    const moved = sum(others.map((row) => row.priced))
    saved += moved * mean - sum(others.map((row) => row.usd))
    whole += own.usd + moved * mean
    variance += (moved ** 2 * (own.usdVariance ?? 0)) / own.priced
    covered += sum(others.map((row) => row.requests))
  }
  if (whole <= 0 || covered < LEAST_BACKED_SHARE * elsewhere) return undefined
  const half = NORMAL_95 * Math.sqrt(variance)
  return { share: { mean: saved / whole, low: (saved - half) / whole, high: (saved + half) / whole }, usd: saved }
}

/** Over the backed traffic and what the baseline answered itself, of which the difference is none. */
function qualityChange(
  inputs: EffectivenessInputs,
  backed: readonly RoutedTraffic[],
  ofBaseline: number,
): Estimate | undefined {
  if (backed.length === 0) return undefined
  const total = ofBaseline + sum(backed.map((row) => row.requests))
  let [mean, variance] = [0, 0]
  for (const row of backed) {
    const share = row.requests / total
    const found = meanOf(pairsOf(inputs, row))
    mean += share * found.mean
    variance += (share * found.error) ** 2
  }
  const half = NORMAL_95 * Math.sqrt(variance)
  return { mean, low: mean - half, high: mean + half }
}

function matrixOf({ quality, minimum }: EffectivenessInputs): readonly MatrixCell[] {
  return quality
    .filter(({ yardstick }) => yardstick.source !== 'pairs')
    .map(({ task, arm, yardstick, tally }): MatrixCell => {
      const { mean, error } = meanOf(tally)
      const [low, high] = [Math.max(0, mean - NORMAL_95 * error), Math.min(1, mean + NORMAL_95 * error)]
      const least = Object.hasOwn(minimum, task) ? minimum[task] : undefined
      const isBelow = least !== undefined && high < least
      return { task, arm, yardstick, scores: tally.mass, mean, low, high, minimum: least, isBelow }
    })
    .toSorted((one, other) => compare(one.task, other.task) || compare(one.arm, other.arm) || other.scores - one.scores)
}

/** With the error that its own spread gives; of one value nothing is known of that. */
function meanOf({ mass, sum: total, squares }: Tally): { readonly mean: number; readonly error: number } {
  const mean = mass === 0 ? 0 : total / mass
  const variance = mass < 2 ? 0.25 : Math.max(0, squares - (total * total) / mass) / (mass - 1)
  return { mean, error: Math.sqrt(variance / Math.max(1, mass)) }
}

function shareOf(count: number, of: number): Estimate {
  return { mean: of === 0 ? 0 : count / of, ...proportionInterval(count, of) }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
