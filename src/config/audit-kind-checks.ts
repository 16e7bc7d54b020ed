import { parseDurationMs } from './duration.ts'
import type { Path } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { hasServerKey } from './server-key.ts'
import { targetsAt } from './target-checks.ts'
import { parseTargetName } from './target-name.ts'

/** What only one kind of audit has a use for. */
const ONLY_OF = {
  golden: ['questions', 'minimum', 'api_key'],
  routing: ['sample', 'point_value', 'enabled'],
} as const

const PERIODS_MS: readonly unknown[] = [3_600_000, 86_400_000]

/** What an audit lacks, or has no use for, being of its kind. */
export function checkAuditKind(file: Loose, name: string): Finding[] {
  const path = ['audits', name]
  const kind = file.at([...path, 'kind']) === 'routing' ? 'routing' : 'golden'
  const other = kind === 'routing' ? 'golden' : 'routing'
  const useless = ONLY_OF[other]
    .filter((key) => file.isSet([...path, key]))
    .map((key): Finding => {
      const text = `expected it in an audit of kind ${other}, found it in one of kind ${kind}`
      return { path: [...path, key], at: 'key', text }
    })
  return [...useless, ...(kind === 'routing' ? checkRouting(file, name) : checkGolden(file, name))]
}

function checkGolden(file: Loose, name: string): Finding[] {
  const path = ['audits', name]
  if (file.isSet([...path, 'questions'])) return []
  return [{ path, at: 'key', text: 'expected a file of `questions`, or `kind: routing`, found neither' }]
}

function checkRouting(file: Loose, name: string): Finding[] {
  const path = ['audits', name]
  const texts: string[] = []
  if (!file.isSet(['judge'])) texts.push('expected a `judge` in this file, by which answers are compared, found none')
  const all = file.stepsAt(['routes']).map(String)
  const named = file.stepsAt([...path, 'routes']).map((step) => file.at([...path, 'routes', step]))
  const isLookedAt = (route: string): boolean => (named.length > 0 ? named.includes(route) : modelsOf(file, route) > 1)
  const routes = all.filter(isLookedAt)
  if (named.length === 0 && routes.length === 0 && all.length > 0) {
    texts.push('expected a route with at least two models to pick from, found none')
  }
  for (const route of routes) {
    for (const provider of keylessOf(file, route)) {
      texts.push(
        `expected providers with an api_key in this file, found none for ${provider}, a target of ${route}: no client pays for an audit, and it asks every target or none`,
      )
    }
    if (modelsOf(file, route) < 2) texts.push(`expected routes with at least two models to pick from, found ${route}`)
    if (hasPoint(file, name, route)) continue
    texts.push(
      `expected a point_value above 0, here or in the feedback of ${route}, found none: by costs alone the cheapest is always best`,
    )
  }
  return [...texts.map((text): Finding => ({ path, at: 'key', text })), ...checkPeriod(file, [...path, 'every'])]
}

function checkPeriod(file: Loose, path: Path): Finding[] {
  const every = file.at(path)
  if (typeof every !== 'string' || PERIODS_MS.includes(parseDurationMs(every))) return []
  const text = `expected 1h or 24h, the periods that a budget of live requests has, found ${file.found(path)}`
  return [{ path, at: 'value', text }]
}

/** Providers of the models of a route that the server has no key for. */
function keylessOf(file: Loose, route: string): readonly string[] {
  const { own, fallbacks } = targetsAt(file, route)
  const providers = [...own, ...fallbacks].flatMap(({ name }) => {
    const target = parseTargetName(name)
    return target?.model === undefined || !file.isSet(['providers', target.provider]) ? [] : [target.provider]
  })
  return [...new Set(providers)].filter((provider) => !hasServerKey(file, provider))
}

function modelsOf(file: Loose, route: string): number {
  const { own, fallbacks } = targetsAt(file, route)
  return new Set(
    [...own, ...fallbacks]
      .map((target) => target.name)
      .filter((target) => parseTargetName(target)?.model !== undefined),
  ).size
}

function hasPoint(file: Loose, audit: string, route: string): boolean {
  const own = file.at(['audits', audit, 'point_value'])
  const value = own ?? file.at(['routes', route, 'feedback', 'point_value'])
  if (typeof value !== 'string' && typeof value !== 'number') return value !== undefined
  return Number(value) !== 0
}
