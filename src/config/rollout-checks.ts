import { armShares } from '../domain/assign.ts'
import { PACES } from '../domain/rollout/pace.ts'
import { SINGLE_ANSWER_EVALUATORS } from '../domain/score.ts'
import { percentOf } from './amount-leaves.ts'
import { showKey } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { unknownName } from './match-checks.ts'
import { checkRolloutLimits } from './rollout-limit-checks.ts'
import { checkRolloutTargets } from './rollout-target-checks.ts'

/** States in which a rollout neither runs nor will by itself. */
const AT_REST = ['draft', 'rolled_back', 'aborted']

/** In per cent. */
const MOST_BEFORE_BAKE = 100 * armShares(100, true).candidate

/** Routes, models, steps and limits of the rollouts, and that of one route only one is to run. */
export function checkRollouts(file: Loose): Finding[] {
  const names = file.stepsAt(['rollouts']).map(String)
  return names.flatMap((name, index) => [
    ...checkName(name),
    ...checkRoute(file, name),
    ...checkRolloutTargets(file, name),
    ...checkSteps(file, name),
    ...checkPromotion(file, name),
    ...checkRolloutLimits(file, name),
    ...checkMetric(file, name),
    ...checkRival(file, name, names.slice(0, index)),
  ])
}

function checkName(name: string): Finding[] {
  if (/^[A-Za-z][\w.-]{0,63}$/.test(name)) return []
  const expected = 'a name of at most 64 letters, digits, - and _ that starts with a letter'
  return [{ path: ['rollouts', name], at: 'key', text: `expected ${expected}, found "${showKey(name)}"` }]
}

function checkRoute(file: Loose, name: string): Finding[] {
  const path = ['rollouts', name, 'route']
  const route = file.at(path)
  if (typeof route !== 'string') return []
  const fault = (text: string): Finding[] => [{ path, at: 'value', text }]
  const known = file.stepsAt(['routes']).map(String)
  if (known.length === 0) return fault(`expected a route of this file, found ${file.found(path)}: it has no routes`)
  if (!known.includes(route)) return fault(unknownName(file, path, route, known, 'a route of this file'))
  if (file.at(['routes', route, 'strategy']) === 'balance') {
    return fault(
      `expected a route with a target, with weights or with rules, found ${file.found(path)}, which balances: which of its targets answers depends on their health, so none of them is the stable one`,
    )
  }
  const apis = file.at(['routes', route, 'match', 'api'])
  if (Array.isArray(apis) && apis.some((api) => api === 'embeddings' || api === 'embed_content')) {
    return fault(
      `expected a route of requests for text, found ${file.found(path)}, which takes embeddings: those of two models cannot be compared, nor kept in one index`,
    )
  }
  return []
}

function checkSteps(file: Loose, name: string): Finding[] {
  const path = ['rollouts', name, 'steps']
  let before = 0
  return file.stepsAt(path).flatMap((step): Finding[] => {
    const place = [...path, step, 'percent']
    const percent = percentOf(file.at(place))
    if (percent === undefined) return []
    const found = file.found(place)
    const fault = (text: string): Finding[] => [{ path: place, at: 'value', text }]
    if (percent === 0) return fault(`expected more than 0%, found ${found}: what no client sees is the shadow`)
    if (percent > MOST_BEFORE_BAKE && percent < 100) {
      return fault(
        `expected at most ${MOST_BEFORE_BAKE}%, found ${found}: the bake, which follows, keeps the rest on stable, and a candidate's share only rises`,
      )
    }
    if (percent === 100) return fault(`expected less than 100%, found ${found}: that is the bake, which follows`)
    const least = before
    before = Math.max(before, percent)
    return percent > least
      ? []
      : fault(`expected a percentage above that of the step before (${least}%), found ${found}`)
  })
}

/** By hand it goes to a step that there is. */
function checkPromotion(file: Loose, name: string): Finding[] {
  const path = ['rollouts', name, 'promote_to']
  const percent = percentOf(file.at(path))
  const steps = stepsOf(file, name)
  if (percent === undefined || steps.length === 0 || steps.includes(percent)) return []
  const known = [...steps.map((step) => `${step}%`), 'full'].join(', ')
  return [{ path, at: 'value', text: `expected one of its steps or full (${known}), found ${file.found(path)}` }]
}

function stepsOf(file: Loose, name: string): readonly number[] {
  const path = ['rollouts', name, 'steps']
  if (!file.isSet(path)) {
    const pace = file.at(['rollouts', name, 'pace']) ?? 'normal'
    const known = Object.entries(PACES).find(([each]) => each === pace)?.[1]
    return known?.steps.map(({ percent }) => percent) ?? []
  }
  return file.stepsAt(path).flatMap((step) => percentOf(file.at([...path, step, 'percent'])) ?? [])
}

const METRICS: readonly string[] = ['judge', 'feedback', ...SINGLE_ANSWER_EVALUATORS]

function checkMetric(file: Loose, name: string): Finding[] {
  const path = ['rollouts', name, 'metric']
  const metric = file.at(path)
  if (metric === 'judge' && !file.isSet(['judge'])) {
    return [{ path, at: 'value', text: 'expected a judge in this file beside metric: judge, found none' }]
  }
  if (typeof metric === 'string' && !METRICS.includes(metric)) {
    const what = 'judge, feedback or an evaluator of single answers'
    return [{ path, at: 'value', text: unknownName(file, path, metric, METRICS, what) }]
  }
  const shadow = ['rollouts', name, 'shadow']
  const isShadowed = file.isSet(shadow) && file.at([...shadow, 'enabled']) !== false
  const isFeedback = metric === 'feedback' || (metric === undefined && !file.isSet(['judge']))
  if (!isFeedback || !isShadowed) return []
  const text =
    'expected a judge, or a metric of an evaluator, beside a shadow, found neither: nobody sees mirrored answers, so there is no feedback about them'
  return [{ path: shadow, at: 'key', text }]
}

function checkRival(file: Loose, name: string, earlier: readonly string[]): Finding[] {
  const runs = (other: string): boolean => !AT_REST.includes(String(file.at(['rollouts', other, 'state'])))
  const path = ['rollouts', name, 'route']
  const route = file.at(path)
  if (typeof route !== 'string' || !runs(name)) return []
  const rival = earlier.find((other) => runs(other) && file.at(['rollouts', other, 'route']) === route)
  if (rival === undefined) return []
  const text = `expected one rollout that is to run on a route, found ${showKey(rival)} on "${showKey(route)}" as well. End one with state: aborted, let it wait with state: draft, or take it out`
  return [{ path, at: 'value', text }]
}
