import type { FunnelCount } from '../funnel.ts'
import type { EpochMs } from '../units.ts'

/** One place of a funnel, and how many requests came there since the process began. */
export type FunnelTotal = Omit<FunnelCount, 'minute'>

/** What one process knows of one shadow. It travels as JSON: whole pico-dollars are texts, and what is undefined may be missing. */
export type ShadowReport = {
  readonly shadow: string
  /** The process that says so. */
  readonly instance: string
  readonly isOn: boolean
  readonly running: number
  readonly queued: number
  /** Spent and set aside in this clock hour and this day of UTC. */
  readonly hourPicoUsd: string
  readonly dayPicoUsd: string
  /** Spent by this process since it began. */
  readonly totalPicoUsd: string
  /** Until when a candidate's provider is left alone. */
  readonly backedOffUntil?: EpochMs | undefined
  readonly counts: readonly FunnelTotal[]
}

/** What all processes say of one shadow together. */
export type ShadowSum = Omit<ShadowReport, 'instance' | 'hourPicoUsd' | 'dayPicoUsd' | 'totalPicoUsd'> & {
  readonly hourPicoUsd: bigint
  readonly dayPicoUsd: bigint
}

/** Adds up reports by shadow, in the order in which shadows first come. */
export function sumShadows(reports: readonly ShadowReport[]): readonly ShadowSum[] {
  const sums = new Map<string, ShadowSum>()
  for (const report of reports) {
    const sum = sums.get(report.shadow)
    sums.set(report.shadow, {
      shadow: report.shadow,
      isOn: report.isOn,
      running: report.running + (sum?.running ?? 0),
      queued: report.queued + (sum?.queued ?? 0),
      hourPicoUsd: BigInt(report.hourPicoUsd) + (sum?.hourPicoUsd ?? 0n),
      dayPicoUsd: BigInt(report.dayPicoUsd) + (sum?.dayPicoUsd ?? 0n),
      backedOffUntil: later(report.backedOffUntil, sum?.backedOffUntil),
      counts: [...(sum?.counts ?? []), ...report.counts],
    })
  }
  return [...sums.values()]
}

function later(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}
