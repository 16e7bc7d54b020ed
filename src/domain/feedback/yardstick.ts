import type { EpochMs } from '../units.ts'
import { QUALITY_SOURCES, type QualityReading, type Yardstick } from './readings.ts'

/**
 * The yardstick by which the arms of a cell are compared: of those that count, the one by which most arms have
 * `enough` scores, of equals the source that is trusted most, then the version that was heard of last. One that has not been
 * heard of since `liveSince` gives way to one that has, if two arms have enough by that: what nobody measures by any more
 * would otherwise rule until its scores have faded. Undefined without any. `counts`: pairs do not, where the reference is no
 * arm.
 */
export function chooseYardstick(
  readings: readonly QualityReading[],
  enough: number,
  counts: (yardstick: Yardstick) => boolean = () => true,
  liveSince: EpochMs = 0,
): Yardstick | undefined {
  const candidates = new Map<string, { yardstick: Yardstick; masses: Map<string, number>; latestAt: number }>()
  for (const { yardstick, arm, tally, latestAt } of readings) {
    if (!counts(yardstick)) continue
    const key = yardstickText(yardstick)
    const known = candidates.get(key) ?? { yardstick, masses: new Map<string, number>(), latestAt: 0 }
    known.masses.set(arm, (known.masses.get(arm) ?? 0) + tally.mass)
    candidates.set(key, { ...known, latestAt: Math.max(known.latestAt, latestAt) })
  }
  const ranked = [...candidates.values()].map(({ yardstick, masses, latestAt }) => ({
    yardstick,
    latestAt,
    // A pair is of the reference as well.
    arms: [...masses.values()].filter((mass) => mass >= enough).length + (yardstick.source === 'pairs' ? 1 : 0),
    rank: QUALITY_SOURCES.indexOf(yardstick.source),
  }))
  const live = ranked.filter(({ latestAt, arms }) => latestAt >= liveSince && arms >= 2)
  const [best] = (live.length > 0 ? live : ranked).toSorted(
    (one, other) =>
      other.arms - one.arms ||
      one.rank - other.rank ||
      other.latestAt - one.latestAt ||
      (yardstickText(one.yardstick) < yardstickText(other.yardstick) ? -1 : 1),
  )
  return best?.yardstick
}

/** As people read it: `pairs by judge (gpt-5/v3)`. */
export function yardstickText({ source, evaluator, version }: Yardstick): string {
  return `${source} by ${evaluator} (${version})`
}

export function isSameYardstick(one: Yardstick, other: Yardstick): boolean {
  return one.source === other.source && one.evaluator === other.evaluator && one.version === other.version
}
