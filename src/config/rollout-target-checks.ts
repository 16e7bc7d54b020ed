import type { Path } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { unknownName } from './match-checks.ts'
import { hasServerKey } from './server-key.ts'
import { dialectOf, targetsAt } from './target-checks.ts'
import { parseTargetName } from './target-name.ts'

/** A stable target that the route has, and a candidate that could take its place and does not stand there yet. */
export function checkRolloutTargets(file: Loose, name: string): Finding[] {
  const route = file.at(['rollouts', name, 'route'])
  if (typeof route !== 'string' || !file.isSet(['routes', route])) return []
  const own = [...new Set(targetsAt(file, route).own.map((target) => target.name))]
  return [...checkStable(file, name, route, own), ...checkCandidate(file, name, route, own)]
}

function checkStable(file: Loose, name: string, route: string, own: readonly string[]): Finding[] {
  const path = ['rollouts', name, 'stable']
  const stable = file.at(path)
  if (typeof stable !== 'string') {
    if (own.length < 2 || file.isSet(path)) return []
    const text = `expected stable, the one of the route's targets that the candidate may replace (${own.join(', ')}), found nothing`
    return [{ path: ['rollouts', name], at: 'key', text }]
  }
  if (own.length === 0 || own.includes(stable)) return []
  const text = `expected a target of the route ${route} (${own.join(', ')}), found ${file.found(path)}`
  return [{ path, at: 'value', text }]
}

function checkCandidate(file: Loose, name: string, route: string, own: readonly string[]): Finding[] {
  const path = ['rollouts', name, 'candidate']
  const candidate = file.at(path)
  const target = typeof candidate === 'string' ? parseTargetName(candidate) : undefined
  if (typeof candidate !== 'string' || target === undefined) return []
  const found = file.found(path)
  const fault = (text: string): Finding[] => [{ path, at: 'value', text }]
  const stable = file.at(['rollouts', name, 'stable']) ?? (own.length === 1 ? own[0] : undefined)
  if (candidate === stable) {
    return fault(
      `expected another model than the stable one, found ${found}. Where it has succeeded, its rollout may be taken out`,
    )
  }
  if (own.includes(candidate)) {
    return fault(`expected a model that the route ${route} does not send requests to already, found ${found}`)
  }
  const isAnyModel = typeof stable === 'string' && parseTargetName(stable)?.model === undefined
  if (target.model === undefined && !isAnyModel) {
    return fault(`expected a model by its name, found ${found}: evidence is about one model`)
  }
  return [...checkProvider(file, path, target.provider), ...checkDialect(file, path, target.provider, route)]
}

function checkProvider(file: Loose, path: Path, provider: string): Finding[] {
  const known = file.stepsAt(['providers']).map(String)
  if (!known.includes(provider)) {
    const text = unknownName(file, path, provider, known, 'a provider of this file before the slash')
    return [{ path, at: 'value', text }]
  }
  if (hasServerKey(file, provider)) return []
  const text = `expected a provider with an api_key in this file, found ${file.found(path)}: mirrored calls, and those of clients at another provider, are made with the server's key`
  return [{ path, at: 'value', text }]
}

function checkDialect(file: Loose, path: Path, provider: string, route: string): Finding[] {
  const spoken = file.at(['providers', provider, 'dialect'])
  const wanted = dialectOf(file, route)
  if (typeof spoken !== 'string' || wanted === undefined || spoken === wanted) return []
  const text = `expected a candidate of the dialect ${wanted}, as the targets of the route ${route} are, found ${file.found(path)}, which is ${spoken}: requests are not translated`
  return [{ path, at: 'value', text }]
}
