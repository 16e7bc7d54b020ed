import { type Evidence, POOLED, type Readings } from '../../src/domain/rollout/evidence.ts'
import type { RolloutState } from '../../src/domain/rollout/rollout-state.ts'
import type { EventWindow } from '../../src/domain/statistics/rate-ratio.ts'

/** Scores count once their request is this old, so that slow and fast ones are seen alike. */
export const WATERMARK_MS = 5 * 60_000
const WINDOW_MS = 5 * 60_000

type Arm = 'candidate' | 'control'

/** One request, as the store would hold it. Of a shadow's pair there are two. */
export type Item = {
  readonly arm: Arm
  readonly at: number
  readonly hasFailed: boolean
  readonly isSlow: boolean
  /** Undefined where it was not sampled, or failed. */
  readonly score: { readonly value: number; readonly arrivesAt: number | undefined } | undefined
}

/** What the store would answer about one stage: counts that only grow, in the order in which things can be known. */
export type StageEvidence = {
  /** Any request: a unit is exposed to an event until it happens to it. */
  readonly addCall: (item: Item, unit: object) => void
  /** The first request of a unit: whether it went well. */
  readonly addSuccess: (item: Item) => void
  /** The first scored request of a unit: how good its answer was. */
  readonly addScore: (item: Item) => void
  readonly countUnit: (arm: Arm | 'neither') => void
  readonly read: (state: RolloutState, now: number) => Evidence
}

/** An empty stage. */
export function createStage(): StageEvidence {
  const quality = createPairing()
  const success = createPairing()
  const waiting: (Item & { readonly knownAt: number })[] = []
  const due: Item[] = []
  const scores = { candidate: { expected: 0, scored: 0 }, control: { expected: 0, scored: 0 } }
  const units = { candidate: 0, control: 0, neither: 0, inBoth: 0 }
  const errors = createWindows()
  const slow = createWindows()

  return {
    countUnit: (arm) => void (units[arm] += 1),
    addCall: (item, unit) => {
      errors.add(item.arm, item.at, item.hasFailed, unit)
      slow.add(item.arm, item.at, item.isSlow, unit)
    },
    addSuccess: (item) => success.add(item.arm, item.hasFailed ? 0 : 1),
    addScore: (item) => {
      if (item.score === undefined) return
      due.push(item)
      const { arrivesAt } = item.score
      if (arrivesAt !== undefined) waiting.push({ ...item, knownAt: Math.max(arrivesAt, item.at + WATERMARK_MS) })
    },
    read: (state, now) => {
      takeWhere(waiting, ({ knownAt }) => knownAt <= now)
        .sort((one, other) => one.knownAt - other.knownAt)
        .forEach(({ arm, score }) => {
          quality.add(arm, score?.value ?? 0)
          scores[arm].scored += 1
        })
      for (const { arm } of takeWhere(due, ({ at }) => at + WATERMARK_MS <= now)) scores[arm].expected += 1
      const quiet = { calls: 100, failed: 1 }
      const readings: Readings = {
        epoch: state.epoch,
        since: state.enteredAt,
        asOf: now - WATERMARK_MS,
        quality: [{ task: POOLED, pairs: quality.pairs() }],
        success: [{ task: POOLED, pairs: success.pairs() }],
        badEvents: [
          { event: 'error', task: POOLED, windows: errors.all() },
          { event: 'slow', task: POOLED, windows: slow.all() },
        ],
        units: { ...units, since: state.dealtAt },
        scores,
        judge: {
          isTrusted: true,
          asked: both(scores, 'scored'),
          failed: { candidate: 0, control: 0 },
          sameWithSame: [],
        },
        signals: [],
      }
      return { breaker: undefined, recent: { candidate: quiet, stable: quiet }, readings }
    },
  }
}

function both(
  scores: Readings['scores'],
  key: 'expected' | 'scored',
): { readonly candidate: number; readonly control: number } {
  return { candidate: scores.candidate[key], control: scores.control[key] }
}

/** The i-th of the candidate against the i-th of the control, as they come. */
function createPairing() {
  const unpaired: Record<Arm, number[]> = { candidate: [], control: [] }
  const counts = new Map<number, number>()
  return {
    add: (arm: Arm, value: number) => {
      const other = arm === 'candidate' ? 'control' : 'candidate'
      const partner = unpaired[other].shift()
      if (partner === undefined) {
        unpaired[arm].push(value)
        return
      }
      const difference = arm === 'candidate' ? value - partner : partner - value
      counts.set(difference, (counts.get(difference) ?? 0) + 1)
    },
    pairs: () => [...counts],
  }
}

function createWindows() {
  const windows = new Map<number, { -readonly [Key in keyof EventWindow]: number }>()
  /** The last window of each unit; a unit to which it has happened is past every window. */
  const seen = new WeakMap<object, number>()
  return {
    add: (arm: Arm, at: number, isBad: boolean, unit: object) => {
      const start = Math.floor(at / WINDOW_MS)
      const last = seen.get(unit) ?? -1
      if (last > start) return
      const window = windows.get(start) ?? { candidate: 0, control: 0, badCandidate: 0, badControl: 0 }
      windows.set(start, window)
      if (last < start) window[arm] += 1
      seen.set(unit, isBad ? Number.POSITIVE_INFINITY : start)
      if (isBad) window[arm === 'candidate' ? 'badCandidate' : 'badControl'] += 1
    },
    all: () => [...windows.values()],
  }
}

/** Takes out of `items` what fulfils `isWanted`, in order. */
function takeWhere<T>(items: T[], isWanted: (item: T) => boolean): T[] {
  const taken = items.filter(isWanted)
  if (taken.length > 0) items.splice(0, items.length, ...items.filter((item) => !isWanted(item)))
  return taken
}
