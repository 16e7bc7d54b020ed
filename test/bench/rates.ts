import { DIRECT, type Contender } from './contenders.ts'
import { enterAll, WARM_UP } from './compare.ts'
import { counted, measure, share, untilQuiet } from './measure.ts'
import type { Stage } from './stage.ts'
import { median } from './summary.ts'
import { figure, renderCells } from './table.ts'
import type { Outcome } from './report.ts'

/** Connections of an open loop: more than are under way at once before anything is wrong. */
export const OPEN_CONNECTIONS = 128

/** One contender for one round. Times from when a request was due, in milliseconds. */
export type RateSample = {
  readonly answersPerSecond: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly p999Ms: number | undefined
  readonly maxMs: number | undefined
  readonly cpuPerRequestUs: number | undefined
  readonly unsent: number
  readonly faults: number
  readonly firstFault: string | undefined
}

export type RateRow = RateSample & { readonly name: string }

/** Everybody under the same arrivals, `ratePerSecond` of them. */
export async function compareRates(
  stage: Stage,
  contenders: readonly Contender[],
  {
    rounds,
    seconds,
    ratePerSecond,
  }: { readonly rounds: number; readonly seconds: number; readonly ratePerSecond: number },
): Promise<Outcome> {
  const standing = await enterAll(stage, contenders, async (entered) => void (await measure(stage, entered, WARM_UP)))
  const samples = new Map<string, RateSample[]>(standing.map(({ contender }) => [contender.name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const one of standing) {
      await untilQuiet(one)
      const { result, cpuMs } = await counted(one, () =>
        stage.load(one, { kind: 'plain', paceMs: 0, connections: OPEN_CONNECTIONS, seconds, ratePerSecond }),
      )
      const { answers, p50Ms, p99Ms, p999Ms, maxMs, unsent, faults, firstFault } = result
      const cpuPerRequestUs = share(cpuMs, answers)
      const answersPerSecond = answers / seconds
      const sample = { answersPerSecond, p50Ms, p99Ms, p999Ms, maxMs, cpuPerRequestUs, unsent, faults, firstFault }
      samples.get(one.contender.name)?.push(sample)
      console.log(`round ${round}/${rounds}  ${one.contender.name}: ${answersPerSecond.toFixed(0)} answers/s`)
    }
  }
  const rows = [...samples].map(([name, taken]) => rateRow(name, taken))
  return {
    text: `${renderRates(rows)}\n\nMedians of ${rounds} rounds; ${ratePerSecond} chat calls a second for ${seconds} s; times from when each was due, the load's own half a millisecond included (see ${DIRECT}).`,
    faults: rows,
    json: { rounds, seconds, ratePerSecond, rows, samples: Object.fromEntries(samples) },
  }
}

/** Medians over the rounds; what went wrong is summed up. */
export function rateRow(name: string, samples: readonly RateSample[]): RateRow {
  const middle = (of: (sample: RateSample) => number | undefined): number | undefined => median(samples.map(of))
  return {
    name,
    answersPerSecond: middle((sample) => sample.answersPerSecond) ?? 0,
    p50Ms: middle((sample) => sample.p50Ms),
    p99Ms: middle((sample) => sample.p99Ms),
    p999Ms: middle((sample) => sample.p999Ms),
    maxMs: middle((sample) => sample.maxMs),
    cpuPerRequestUs: middle((sample) => sample.cpuPerRequestUs),
    unsent: samples.reduce((sum, { unsent }) => sum + unsent, 0),
    faults: samples.reduce((sum, { faults }) => sum + faults, 0),
    firstFault: samples.find(({ firstFault }) => firstFault !== undefined)?.firstFault,
  }
}

export function renderRates(rows: readonly RateRow[]): string {
  const cells = rows.map((row) => [
    row.name,
    figure(row.answersPerSecond, 0),
    figure(row.p50Ms, 2),
    figure(row.p99Ms, 2),
    figure(row.p999Ms, 2),
    figure(row.maxMs, 1),
    figure(row.cpuPerRequestUs, 1),
    String(row.unsent),
    String(row.faults),
  ])
  const head = ['proxy', 'answers/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'CPU µs/request', 'unsent', 'faults']
  return renderCells(head, cells)
}
