import type { Path } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { unknownName } from './match-checks.ts'
import { parseTargetName } from './target-name.ts'

type NamedTarget = { readonly path: Path; readonly name: string }

/** Every target of the route that is a text, the strategy's before the fallbacks. */
export function targetsAt(
  file: Loose,
  name: string,
): { readonly own: NamedTarget[]; readonly fallbacks: NamedTarget[] } {
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

/** Targets whose provider is not there, of several dialects, or said twice. */
export function checkTargets(file: Loose, name: string): Finding[] {
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

/** The dialect of the route's first target whose provider is known. */
export function dialectOf(file: Loose, name: string): string | undefined {
  const { own, fallbacks } = targetsAt(file, name)
  for (const target of [...own, ...fallbacks]) {
    const provider = parseTargetName(target.name)?.provider
    const dialect = provider === undefined ? undefined : file.at(['providers', provider, 'dialect'])
    if (typeof dialect === 'string') return dialect
  }
  return undefined
}
