import { DEFAULT_ROUTE } from '../domain/decide.ts'
import { showKey } from './fault.ts'
import { checkFeedback } from './feedback-checks.ts'
import type { Finding, Loose } from './loose.ts'
import { checkMatch } from './match-checks.ts'
import { covers, exclude } from './match-cover.ts'
import { checkStrategy } from './strategy-checks.ts'
import { checkTargets, dialectOf } from './target-checks.ts'

/** Names, strategies, targets and conditions of the routes, and what can never be reached. */
export function checkRoutes(file: Loose): Finding[] {
  const names = file.stepsAt(['routes']).map(String)
  const dialects = new Map(names.map((name) => [name, dialectOf(file, name)]))
  return names.flatMap((name, index) => [
    ...checkName(name),
    ...checkStrategy(file, name),
    ...checkTargets(file, name),
    ...checkFeedback(file, name),
    ...checkMatch(file, ['routes', name, 'match'], dialects.get(name)),
    ...checkRules(file, name),
    ...checkReach(file, name, names.slice(0, index), dialects),
  ])
}

function checkName(name: string): Finding[] {
  const path = ['routes', name]
  if (!/^[A-Za-z][\w.-]{0,63}$/.test(name)) {
    const expected = 'a name of at most 64 letters, digits, - and _ that starts with a letter'
    return [{ path, at: 'key', text: `expected ${expected}, found "${showKey(name)}"` }]
  }
  if (name !== DEFAULT_ROUTE) return []
  const text = `expected another name, found "${name}": so traces call what no route takes`
  return [{ path, at: 'key', text }]
}

function checkRules(file: Loose, name: string): Finding[] {
  const path = ['routes', name, 'rules']
  const steps = file.stepsAt(path)
  const dialect = dialectOf(file, name)
  const match = file.at(['routes', name, 'match'])
  return steps.flatMap((step, index) => {
    const when = file.at([...path, step, 'when'])
    const earlier = steps.slice(0, index)
    const place = { path: [...path, step, 'when'], at: 'value' as const }
    const same = earlier.find((other) => file.at([...path, other, 'name']) === file.at([...path, step, 'name']))
    const cover =
      when === undefined ? undefined : earlier.find((other) => isCover(file.at([...path, other, 'when']), when))
    const excluded = exclude(match, when)
    return [
      ...checkMatch(file, [...path, step, 'when'], dialect),
      ...(same === undefined || !file.isSet([...path, step, 'name'])
        ? []
        : [
            {
              path: [...path, step, 'name'],
              at: 'value' as const,
              text: 'expected every rule to have a name of its own, found this one again',
            },
          ]),
      ...(cover === undefined
        ? []
        : [
            {
              ...place,
              text: `expected something that rules[${cover}] does not already take, found less than that: it can never hold`,
            },
          ]),
      ...(excluded === undefined
        ? []
        : [
            {
              ...place,
              text: `expected what a request of this route can be, found another ${excluded} than its match wants: it can never hold`,
            },
          ]),
    ]
  })
}

function isCover(earlier: unknown, later: unknown): boolean {
  return earlier !== undefined && covers(earlier, later, false)
}

function checkReach(
  file: Loose,
  name: string,
  earlier: readonly string[],
  dialects: ReadonlyMap<string, string | undefined>,
): Finding[] {
  const path = ['routes', name]
  const dialect = dialects.get(name)
  const match = file.at([...path, 'match'])
  const cover = earlier.find(
    (other) =>
      dialect !== undefined &&
      dialects.get(other) === dialect &&
      covers(file.at(['routes', other, 'match']), match, true),
  )
  if (cover === undefined) return []
  const matches =
    file.stepsAt(['routes', cover, 'match']).length === 0 ? 'matches everything' : 'takes all of its requests'
  const text = `expected a route that can be reached, found one after "${showKey(cover)}", which ${matches}. Put it first, or narrow the other's match`
  return [{ path, at: 'key', text }]
}
