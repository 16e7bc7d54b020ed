import type { LoadResult } from './load-order.ts'

/** What the load has seen so far. */
export type Tally = {
  readonly right: (latencyMs: number, firstByteMs: number, at: number) => void
  readonly wrong: (fault: string) => void
  /** A request that was due and could not be sent: it has waited at least so long. */
  readonly unsent: (waitedMs: number) => void
  readonly result: (endedAt: number) => LoadResult
}

/** Times on one clock, in milliseconds; `startedAt` is when the load began. */
export function createTally(startedAt: number): Tally {
  const latencies: number[] = []
  const firstBytes: number[] = []
  const answersBySecond: number[] = []
  let answers = 0
  let faults = 0
  let firstFault: string | undefined
  return {
    right: (latencyMs, firstByteMs, at) => {
      answers++
      latencies.push(latencyMs)
      firstBytes.push(firstByteMs)
      const second = Math.floor((at - startedAt) / 1000)
      while (answersBySecond.length <= second) answersBySecond.push(0)
      answersBySecond[second] = (answersBySecond[second] ?? 0) + 1
    },
    wrong: (fault) => {
      faults++
      firstFault ??= fault
    },
    unsent: (waitedMs) => void latencies.push(waitedMs),
    result: (endedAt) => {
      latencies.sort((a, b) => a - b)
      firstBytes.sort((a, b) => a - b)
      return {
        answers,
        faults,
        firstFault,
        seconds: (endedAt - startedAt) / 1000,
        p50Ms: percentile(latencies, 0.5),
        p99Ms: percentile(latencies, 0.99),
        p999Ms: percentile(latencies, 0.999),
        maxMs: latencies.at(-1),
        firstByteP50Ms: percentile(firstBytes, 0.5),
        unsent: latencies.length - answers,
        answersBySecond,
      }
    },
  }
}

/** The value below which the share `rank` of the sorted values lies, by nearest rank; undefined without values. */
export function percentile(sorted: readonly number[], rank: number): number | undefined {
  return sorted[Math.ceil(sorted.length * rank) - 1]
}
