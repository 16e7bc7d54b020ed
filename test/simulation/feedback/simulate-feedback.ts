import { decideWeights, isMove, type WeightInputs } from '../../../src/domain/feedback/decide-weights.ts'
import { ALL_TASKS, type Readings } from '../../../src/domain/feedback/readings.ts'
import { FEEDBACK_RULE } from '../../../src/domain/feedback/rule.ts'
import { NO_TALLY, type Tally } from '../../../src/domain/feedback/tally.ts'
import { createDraws, type Draws } from '../draws.ts'
import type { FeedbackScenario, SimulatedModel } from './feedback-scenario.ts'

const HOUR_MS = 3_600_000

/** How one run went. Shares by task, then model, in the order of the scenario. */
export type FeedbackRun = {
  /** Every hour: the shares in force. */
  readonly course: readonly { readonly at: number; readonly shares: Shares }[]
  /** The largest change of a share in one update, those of a quarantine left out. */
  readonly largestStep: number
  readonly updates: number
  readonly quarantines: number
  /** US dollars: spent, and what the reference alone would have cost. */
  readonly spentUsd: number
  readonly referenceUsd: number
  /** Of the best that could be known: what worse choices cost in utility, in US dollars. */
  readonly regretUsd: number
  readonly requests: number
  /** Requests answered by a model that is not good enough. */
  readonly belowReference: number
}

export type Shares = Readonly<Record<string, readonly number[]>>

/** Traffic, scores and the product's own decision, hour by hour. */
export function simulateFeedback(scenario: FeedbackScenario, seed: number): FeedbackRun {
  const draws = createDraws(seed)
  const cells = createCells(scenario, draws)
  const total: Totals = { spentUsd: 0, referenceUsd: 0, regretUsd: 0, requests: 0, belowReference: 0 }
  const course: { at: number; shares: Shares }[] = []
  let weights: WeightInputs['weights'] = {
    weights: Object.fromEntries(scenario.models.map(({ key }) => [key, 1])),
    pins: [],
  }
  let quarantined: WeightInputs['quarantined'] = {}
  let changedAt: Record<string, number> = {}
  let [largestStep, updates, quarantines] = [0, 0, 0]
  for (let now = HOUR_MS; now <= scenario.days * 24 * HOUR_MS; now += HOUR_MS) {
    const before = sharesOf(scenario, weights)
    cells.hour(now - HOUR_MS, before, total)
    const decision = decideWeights({
      rule: FEEDBACK_RULE,
      policy: scenario.policy,
      minimum: {},
      now,
      weights,
      rollout: [],
      changedAt,
      quarantined,
      readings: cells.read(now),
    })
    weights = decision.next
    quarantined = Object.fromEntries(decision.cells.map((cell) => [cell.task, cell.quarantined]))
    for (const cell of decision.cells.filter(isMove)) {
      changedAt = { ...changedAt, [cell.task]: now }
      cells.moved(cell.task, Object.keys(weights.tasks ?? {}))
      updates += 1
      if (cell.verdict === 'moved') {
        largestStep = Math.max(largestStep, ...cell.arms.map(({ share, next }) => Math.abs(next - share)))
      } else quarantines += 1
    }
    course.push({ at: now, shares: sharesOf(scenario, weights) })
  }
  return { course, largestStep, updates, quarantines, ...total }
}

/** The place of the model that should have most of a task's traffic at a time. */
export function bestModel(
  { models, policy }: Pick<FeedbackScenario, 'models' | 'policy'>,
  task: string,
  at: number,
): number {
  const reference = policy.reference.kind === 'arm' ? qualityOf(models, policy.reference.key, task, at) : 0
  const worth = models.map((model) =>
    model.quality(task, at) >= reference - policy.delta ? utilityOf(model, policy.pointUsd, task, at) : -Infinity,
  )
  return worth.indexOf(Math.max(...worth))
}

function utilityOf(model: SimulatedModel, pointUsd: number, task: string, at: number): number {
  return 100 * pointUsd * model.quality(task, at) - model.usd
}

function qualityOf(models: readonly SimulatedModel[], key: string, task: string, at: number): number {
  return models.find((model) => model.key === key)?.quality(task, at) ?? 0
}

function sharesOf({ tasks, models }: FeedbackScenario, { weights, tasks: own }: WeightInputs['weights']): Shares {
  return Object.fromEntries(
    Object.keys(tasks).map((task) => {
      const inForce = own?.[task] ?? weights
      const total = Object.values(inForce).reduce((sum, weight) => sum + weight, 0)
      return [task, models.map(({ key }) => (inForce[key] ?? 0) / total)]
    }),
  )
}

type Totals = {
  spentUsd: number
  referenceUsd: number
  regretUsd: number
  requests: number
  belowReference: number
}

type Cell = {
  readonly task: string
  readonly model: SimulatedModel
  scores: Tally
  costs: Tally
  fresh: number
  freshForAll: number
  sinceQuarantine: number
  latestAt: number
}

/** What the analyses would say of the traffic so far. */
function createCells({ models, tasks, requestsPerHour, scoredShare, policy }: FeedbackScenario, draws: Draws) {
  const fade = 0.5 ** (HOUR_MS / FEEDBACK_RULE.halfLifeMs)
  const cells = Object.keys(tasks).flatMap((task) =>
    models.map((model): Cell => ({ task, model, scores: NO_TALLY, costs: NO_TALLY, ...NEW })),
  )
  const reference = models.find(({ key }) => policy.reference.kind === 'arm' && key === policy.reference.key)

  function request(cell: Cell, at: number, total: Totals, best: SimulatedModel | undefined): void {
    const { task, model } = cell
    const quality = model.quality(task, at)
    const usd = model.usd * (0.5 + draws.exponential(0.5))
    cell.costs = add(cell.costs, usd)
    total.requests += 1
    total.spentUsd += usd
    total.referenceUsd += reference?.usd ?? 0
    const isBelow = reference !== undefined && quality < reference.quality(task, at) - policy.delta
    total.belowReference += isBelow ? 1 : 0
    const lost =
      best === undefined ? 0 : utilityOf(best, policy.pointUsd, task, at) - utilityOf(model, policy.pointUsd, task, at)
    total.regretUsd += Math.max(0, lost)
    if (!draws.chance(scoredShare)) return
    let level = 0
    for (let step = 0; step < 4; step++) level += draws.chance(quality) ? 1 : 0
    cell.scores = add(cell.scores, level / 4)
    cell.fresh += 1
    cell.freshForAll += 1
    cell.sinceQuarantine += 1
    cell.latestAt = at + HOUR_MS
  }

  return {
    hour: (at: number, shares: Shares, total: Totals): void => {
      for (const cell of cells) {
        cell.scores = faded(cell.scores, fade)
        cell.costs = faded(cell.costs, fade)
      }
      for (const [task, share] of Object.entries(tasks)) {
        const own = cells.filter((cell) => cell.task === task)
        const best = models[bestModel({ models, policy }, task, at)]
        for (let left = draws.poisson(requestsPerHour * share); left > 0; left--) {
          const cell = pick(own, shares[task] ?? [], draws.unit())
          if (cell !== undefined) request(cell, at, total, best)
        }
      }
    },
    read: (asOf: number): Readings => ({
      asOf,
      quality: cells
        .filter(({ scores }) => scores.mass > 0)
        .map(({ task, model, scores, fresh, freshForAll, sinceQuarantine, latestAt }) => ({
          task,
          arm: model.key,
          yardstick: { source: 'judge' as const, evaluator: 'judge', version: '1' },
          tally: scores,
          fresh,
          freshForAll,
          sinceQuarantine,
          sinceQuarantineForAll: sinceQuarantine,
          latestAt,
        })),
      costs: cells
        .filter(({ costs }) => costs.mass > 0)
        .map(({ task, model, costs }) => ({
          task,
          arm: model.key,
          kind: 'live' as const,
          tally: costs,
          requests: costs.mass,
        })),
    }),
    moved: (task: string, own: readonly string[]): void => {
      for (const cell of cells) {
        if (task === ALL_TASKS) cell.freshForAll = 0
        if (task === cell.task || (task === ALL_TASKS && !own.includes(cell.task))) cell.fresh = 0
      }
    },
  }
}

const NEW = { fresh: 0, freshForAll: 0, sinceQuarantine: 0, latestAt: 0 }

function add({ mass, sum, squares }: Tally, value: number): Tally {
  return { mass: mass + 1, sum: sum + value, squares: squares + value * value }
}

function faded({ mass, sum, squares }: Tally, by: number): Tally {
  return { mass: mass * by, sum: sum * by, squares: squares * by }
}

function pick(cells: readonly Cell[], shares: readonly number[], unit: number): Cell | undefined {
  let left = unit
  for (const [index, cell] of cells.entries()) {
    left -= shares[index] ?? 0
    if (left < 0) return cell
  }
  return cells.at(-1)
}
