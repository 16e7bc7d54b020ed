import type { WeightsInPlace } from '../changes/config-event.ts'
import { basisPoints } from '../statistics/bounded-step.ts'
import type { EpochMs } from '../units.ts'
import { readCell } from './cell.ts'
import { type CellDecision, type CellVerdict, decideCell } from './decide-cell.ts'
import type { FeedbackPolicy } from './feedback-policy.ts'
import { ALL_TASKS, type Readings } from './readings.ts'
import type { FeedbackRule } from './rule.ts'

/** By task, `ALL_TASKS` included; a task that is not there has none. */
export type ByTask<T> = Readonly<Record<string, T>>

/** Everything that one decision about the weights of a route rests on: plain values, kept with it. */
export type WeightInputs = {
  readonly rule: FeedbackRule
  readonly policy: FeedbackPolicy
  /** Least acceptable quality by task. */
  readonly minimum: ByTask<number>
  readonly now: EpochMs
  /** In force. */
  readonly weights: WeightsInPlace
  /** Arms that a live rollout moves. */
  readonly rollout: readonly string[]
  readonly changedAt: ByTask<EpochMs>
  /** Since when an arm is in quarantine. */
  readonly quarantined: ByTask<ByTask<EpochMs>>
  readonly readings: Readings
}

export type WeightDecision = {
  /** `moved` where any cell has, whatever way; `frozen` where all of them are. */
  readonly verdict: 'moved' | 'held' | 'frozen'
  /** All traffic first, then tasks by name. */
  readonly cells: readonly CellDecision[]
  readonly next: WeightsInPlace
}

const MOVES: ReadonlySet<CellVerdict> = new Set<CellVerdict>(['moved', 'quarantined', 'returned'])

export function isMove({ verdict }: Pick<CellDecision, 'verdict'>): boolean {
  return MOVES.has(verdict)
}

/**
 * What becomes of the weights of a route: those of all its traffic, and those of each task of which enough is known.
 * Pure: the same inputs decide the same, so any decision can be made again from its row.
 */
export function decideWeights(inputs: WeightInputs): WeightDecision {
  const { weights, readings, rule } = inputs
  const all = decideTask(inputs, ALL_TASKS)
  const ofTasks = tasksOf(inputs).flatMap((task): readonly CellDecision[] => {
    const cell = decideTask(inputs, task)
    const isOwn = Object.hasOwn(weights.tasks ?? {}, task)
    if (!isOwn && !isMove(cell) && defends(cell, all, rule)) return [{ ...cell, reason: 'own_way' }]
    return isOwn || isKnown(cell, rule) || cell.verdict === 'quarantined' ? [cell] : []
  })
  const cells = [all, ...ofTasks]
  const moved = cells.filter((cell) => isMove(cell) || cell.reason === 'own_way')
  // A map, and not an object: tasks are named by clients.
  const next = new Map(Object.entries(weights.tasks ?? {}))
  for (const cell of moved) next.set(cell.task, weightsOf(cell, inForce(weights, cell.task)))
  const ofAll = next.get(ALL_TASKS) ?? weights.weights
  next.delete(ALL_TASKS)
  const tasks = next.size === 0 ? {} : { tasks: Object.fromEntries(next) }
  const isFrozen = readings.quality.length === 0 || cells.every(({ verdict }) => verdict === 'frozen')
  return {
    verdict: moved.length > 0 ? 'moved' : isFrozen ? 'frozen' : 'held',
    cells,
    next: { weights: ofAll, pins: weights.pins, ...tasks },
  }
}

/** Tasks with scores, or with weights of their own. */
function tasksOf({ readings, weights }: WeightInputs): readonly string[] {
  const tasks = new Set([...readings.quality.map(({ task }) => task), ...Object.keys(weights.tasks ?? {})])
  tasks.delete(ALL_TASKS)
  return [...tasks].sort()
}

function decideTask(inputs: WeightInputs, task: string): CellDecision {
  const { rule, policy, minimum, now, weights, rollout, changedAt, quarantined, readings } = inputs
  const current = inForce(weights, task)
  const arms = Object.keys(current)
  const total = arms.reduce((sum, arm) => sum + (current[arm] ?? 0), 0)
  const state = {
    task,
    shares: Object.fromEntries(arms.map((arm) => [arm, (current[arm] ?? 0) / total])),
    untouched: [...weights.pins, ...rollout],
    minimum: own(minimum, task),
    // A task without weights of its own moves with all traffic.
    changedAt: own(changedAt, Object.hasOwn(weights.tasks ?? {}, task) ? task : ALL_TASKS),
    quarantined: own(quarantined, task) ?? {},
  }
  return decideCell(readCell(readings, task, arms, policy.reference, rule), state, policy, rule, now)
}

/**
 * Whether the task speaks for an arm that goes into quarantine for all traffic: it is not shown to be bad here. Then the
 * task has its own weights from here on, or one that is bad at most tasks could never show what it is good at.
 */
function defends({ arms }: CellDecision, all: CellDecision, { leastScores }: FeedbackRule): boolean {
  const isOut = (key: string): boolean =>
    all.arms.some(({ arm, share, next }) => arm === key && share > 0 && next === 0)
  return (
    all.verdict === 'quarantined' &&
    arms.some(({ arm, mass, standing }) => mass >= leastScores && standing !== 'quarantined' && isOut(arm))
  )
}

/** Whether so much is known of a task that its weights may go their own way. */
function isKnown({ arms }: CellDecision, { minScores }: FeedbackRule): boolean {
  return arms.filter(({ mass }) => mass >= minScores).length >= 2
}

function inForce({ weights, tasks }: WeightsInPlace, task: string): Readonly<Record<string, number>> {
  return own(tasks ?? {}, task) ?? weights
}

/**
 * The next shares as weights that add up to what the weights did. What nobody may touch stays exactly as it is; the others
 * are whole to a ten-thousandth of what they have together.
 */
function weightsOf(
  { arms }: CellDecision,
  current: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const movers = arms.filter(({ isUntouched }) => !isUntouched)
  const together = movers.reduce((sum, { arm }) => sum + (current[arm] ?? 0), 0)
  const shares = movers.reduce((sum, { next }) => sum + next, 0)
  const points = basisPoints(movers.map(({ next }) => next / shares))
  const moved = new Map(movers.map(({ arm }, index) => [arm, tidy((together * (points[index] ?? 0)) / 10_000)]))
  return Object.fromEntries(Object.entries(current).map(([arm, weight]) => [arm, moved.get(arm) ?? weight]))
}

/** 14.290000000000001 is 14.29. */
function tidy(value: number): number {
  return Number(value.toPrecision(12))
}

/** Names come from clients: what every object inherits is no entry. */
function own<T>(record: ByTask<T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
