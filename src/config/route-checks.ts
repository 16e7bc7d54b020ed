import { DEFAULT_ROUTE } from '../domain/decide.ts'
import { showKey, type Path } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { checkMatch, unknownName } from './match-checks.ts'
import { covers, exclude } from './match-cover.ts'
import { parseTargetName } from './target-name.ts'

/** Names, strategies, targets and conditions of the routes, and what can never be reached. */
export function checkRoutes(file: Loose): Finding[] {
  const names = file.stepsAt(['routes']).map(String)
  const dialects = new Map(names.map((name) => [name, dialectOf(file, name)]))
  return names.flatMap((name, index) => [
    ...checkName(name),
    ...checkStrategy(file, name),
    ...checkTargets(file, name),
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

/** The keys that each strategy is written with. */
const STRATEGY_KEYS: Readonly<Record<string, string>> = {
  fixed: 'target',
  weighted: 'targets',
  balance: 'targets',
  rules: 'rules',
}

function checkStrategy(file: Loose, name: string): Finding[] {
  const path = ['routes', name]
  const is = (key: string): boolean => file.isSet([...path, key])
  const given = ['target', 'targets', 'rules'].filter(is)
  const strategy = file.at([...path, 'strategy'])
  const wanted = typeof strategy === 'string' ? STRATEGY_KEYS[strategy] : undefined
  const [only, second] = given
  if (only === undefined) {
    const text = `expected ${wanted ?? 'target, targets or rules'}, found none: where should the requests go?`
    return [{ path, at: 'key', text }]
  }
  if (second !== undefined) {
    const text = `expected one of target, targets and rules, found ${given.join(' and ')}`
    return [{ path: [...path, second], at: 'key', text }]
  }
  const findings: Finding[] = []
  if (wanted !== undefined && wanted !== only) {
    const text = `expected ${wanted} beside the strategy ${String(strategy)}, found ${only}`
    findings.push({ path: [...path, only], at: 'key', text })
  }
  if (only === 'rules' && !is('otherwise')) {
    findings.push({
      path: [...path, 'rules'],
      at: 'key',
      text: 'expected otherwise beside rules: the target where none holds, found none',
    })
  }
  if (only !== 'rules' && is('otherwise')) {
    findings.push({
      path: [...path, 'otherwise'],
      at: 'key',
      text: `expected it beside rules alone, found it beside ${only}`,
    })
  }
  return [...findings, ...(only === 'targets' ? checkWeights(file, name, strategy) : [])]
}

function checkWeights(file: Loose, name: string, strategy: unknown): Finding[] {
  const path = ['routes', name, 'targets']
  const steps = file.stepsAt(path)
  const weights = steps.map((step) => file.at([...path, step, 'weight']))
  if (weights.length > 0 && weights.every((weight) => weight === 0)) {
    return [{ path, at: 'value', text: 'expected at least one weight above 0, found none' }]
  }
  if (strategy === 'balance') return []
  if (strategy === undefined && weights.every((weight) => weight === undefined)) {
    const text = 'expected a weight for each target, or strategy: balance beside them, found neither'
    return steps.length === 0 ? [] : [{ path, at: 'value', text }]
  }
  return steps.flatMap((step, index) =>
    weights[index] === undefined
      ? [
          {
            path: [...path, step],
            at: 'value' as const,
            text: 'expected a weight, as the other targets have, found none',
          },
        ]
      : [],
  )
}

type NamedTarget = { readonly path: Path; readonly name: string }

/** Every target of the route that is a text, the strategy's before the fallbacks. */
function targetsAt(file: Loose, name: string): { readonly own: NamedTarget[]; readonly fallbacks: NamedTarget[] } {
  const path = ['routes', name]
  const at = (place: Path): NamedTarget[] => {
    const target = file.at(place)
    return typeof target === 'string' ? [{ path: place, name: target }] : []
  }
  const each = (key: string, inner: Path): NamedTarget[] =>
    file.stepsAt([...path, key]).flatMap((step) => at([...path, key, step, ...inner]))
  return {
    own: [
      ...at([...path, 'target']),
      ...each('targets', ['target']),
      ...each('rules', ['target']),
      ...at([...path, 'otherwise']),
    ],
    fallbacks: each('fallbacks', []),
  }
}

function checkTargets(file: Loose, name: string): Finding[] {
  const { own, fallbacks } = targetsAt(file, name)
  const known = file.stepsAt(['providers']).map(String)
  const findings: Finding[] = []
  let first: { readonly name: string; readonly dialect: string } | undefined
  for (const target of [...own, ...fallbacks]) {
    const provider = parseTargetName(target.name)?.provider
    if (provider === undefined) continue
    if (!known.includes(provider)) {
      const text = unknownName(file, target.path, provider, known, 'a provider of this file before the slash')
      findings.push({ path: target.path, at: 'value', text })
      continue
    }
    const dialect = file.at(['providers', provider, 'dialect'])
    if (typeof dialect !== 'string') continue
    if (first === undefined) first = { name: target.name, dialect }
    else if (first.dialect !== dialect) {
      const text = `expected a target of the dialect ${first.dialect}, as ${first.name} is, found ${file.found(target.path)}, which is ${dialect}: requests are not translated`
      findings.push({ path: target.path, at: 'value', text })
    }
  }
  return [...findings, ...checkRepeats(file, name, own, fallbacks)]
}

/** Several rules may name one target, and a weighted one may stand by for the others; all else is said twice. */
function checkRepeats(
  file: Loose,
  name: string,
  own: readonly NamedTarget[],
  fallbacks: readonly NamedTarget[],
): Finding[] {
  const strategy = file.at(['routes', name, 'strategy'])
  const isShared =
    file.isSet(['routes', name, 'rules']) || (file.isSet(['routes', name, 'targets']) && strategy !== 'balance')
  const listed = file.isSet(['routes', name, 'rules']) ? [] : own
  return [
    ...repeats(file, listed),
    ...repeats(file, isShared ? fallbacks : [...own, ...fallbacks], isShared ? 0 : own.length),
  ]
}

/** Names that came before, among those from index `from` on. */
function repeats(file: Loose, targets: readonly NamedTarget[], from = 0): Finding[] {
  return targets.flatMap(({ path, name }, index) => {
    const isAgain = index >= from && targets.slice(0, index).some((earlier) => earlier.name === name)
    if (!isAgain) return []
    return [{ path, at: 'value' as const, text: `expected every target once, found ${file.found(path)} again` }]
  })
}

function dialectOf(file: Loose, name: string): string | undefined {
  const { own, fallbacks } = targetsAt(file, name)
  for (const target of [...own, ...fallbacks]) {
    const provider = parseTargetName(target.name)?.provider
    const dialect = provider === undefined ? undefined : file.at(['providers', provider, 'dialect'])
    if (typeof dialect === 'string') return dialect
  }
  return undefined
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
