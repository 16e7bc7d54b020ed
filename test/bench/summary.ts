import { BARE, DIRECT } from './contenders.ts'
import type { Sample } from './measure.ts'
import { figure, renderCells } from './table.ts'

/** One contender over all rounds: medians, and what it adds to the direct way in the same round. */
export type Row = {
  readonly name: string
  readonly rounds: number
  readonly cpuPerRequestUs: number | undefined
  readonly storeCpuPerRequestUs: number | undefined
  readonly cpuTimesBare: number | undefined
  readonly requestsPerSecond: number | undefined
  readonly addedSingleP50Ms: number | undefined
  readonly addedSingleP99Ms: number | undefined
  readonly addedCrowdP50Ms: number | undefined
  readonly addedCrowdP99Ms: number | undefined
  readonly addedFirstByteP50Ms: number | undefined
  readonly cpuPerChunkUs: number | undefined
  readonly rssBeforeMb: number | undefined
  readonly rssAfterMb: number | undefined
  readonly storeRssAfterMb: number | undefined
  readonly faults: number
  readonly firstFault: string | undefined
}

/** Everything measured, in the order of measuring. `rssBeforeMb` is from before the first request. */
export type Measured = ReadonlyMap<
  string,
  { readonly samples: readonly Sample[]; readonly rssBeforeMb: number | undefined }
>

export function summarise(measured: Measured): Row[] {
  const direct = measured.get(DIRECT)?.samples ?? []
  const bareCpu = median(measured.get(BARE)?.samples.map((sample) => sample.cpuPerRequestUs))
  return [...measured].map(([name, { samples, rssBeforeMb }]) => {
    const middle = (of: (sample: Sample) => number | undefined): number | undefined => median(samples.map(of))
    const added = (of: (sample: Sample) => number | undefined): number | undefined =>
      median(samples.map((sample, round) => minus(of(sample), direct[round] && of(direct[round]))))
    const cpuPerRequestUs = middle((sample) => sample.cpuPerRequestUs)
    return {
      name,
      rounds: samples.length,
      cpuPerRequestUs,
      storeCpuPerRequestUs: middle((sample) => sample.storeCpuPerRequestUs),
      cpuTimesBare: cpuPerRequestUs !== undefined && bareCpu !== undefined ? cpuPerRequestUs / bareCpu : undefined,
      requestsPerSecond: middle((sample) => sample.requestsPerSecond),
      addedSingleP50Ms: added((sample) => sample.singleP50Ms),
      addedSingleP99Ms: added((sample) => sample.singleP99Ms),
      addedCrowdP50Ms: added((sample) => sample.crowdP50Ms),
      addedCrowdP99Ms: added((sample) => sample.crowdP99Ms),
      addedFirstByteP50Ms: added((sample) => sample.firstByteP50Ms),
      cpuPerChunkUs: middle((sample) => sample.cpuPerChunkUs),
      rssBeforeMb,
      rssAfterMb: samples.at(-1)?.rssMb,
      storeRssAfterMb: samples.at(-1)?.storeRssMb,
      faults: samples.reduce((sum, sample) => sum + sample.faults, 0),
      firstFault: samples.find((sample) => sample.firstFault !== undefined)?.firstFault,
    }
  })
}

/** The table that README quotes. Milliseconds are what a contender adds to the direct way. */
export function renderTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    figure(row.cpuPerRequestUs, 1),
    row.cpuTimesBare === undefined ? '–' : `${row.cpuTimesBare.toFixed(2)} ×`,
    figure(row.storeCpuPerRequestUs, 1),
    figure(row.requestsPerSecond, 0),
    `${figure(row.addedSingleP50Ms, 3)} / ${figure(row.addedSingleP99Ms, 3)}`,
    `${figure(row.addedCrowdP50Ms, 2)} / ${figure(row.addedCrowdP99Ms, 2)}`,
    figure(row.addedFirstByteP50Ms, 3),
    figure(row.cpuPerChunkUs, 1),
    `${figure(row.rssBeforeMb, 0)} → ${figure(row.rssAfterMb, 0)}`,
    figure(row.storeRssAfterMb, 0),
    String(row.faults),
  ])
  const head = [
    'proxy',
    'CPU µs/request',
    'vs bare',
    'ClickHouse µs/request',
    'requests/s',
    'added ms p50 / p99, 1 conn.',
    'added ms p50 / p99, 64 conn.',
    'added ms first byte p50',
    'CPU µs/chunk',
    'RSS MB before → after',
    'ClickHouse MB',
    'faults',
  ]
  return renderCells(head, cells)
}

/** The middle value; of an even number, the mean of the two in the middle. Undefined values do not count. */
export function median(values: readonly (number | undefined)[] | undefined): number | undefined {
  const known = (values ?? []).filter((value) => value !== undefined).sort((a, b) => a - b)
  const low = known[Math.floor((known.length - 1) / 2)]
  const high = known[Math.floor(known.length / 2)]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

function minus(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left - right
}

/** Slope of the line of least squares through values one apart; NaN for fewer than two. */
export function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const covariance = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0)
  const variance = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0)
  return covariance / variance
}
