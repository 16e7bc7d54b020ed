import type { Finding, Loose } from './loose.ts'

/** The keys that each strategy is written with. */
const STRATEGY_KEYS: Readonly<Record<string, string>> = {
  fixed: 'target',
  weighted: 'targets',
  balance: 'targets',
  rules: 'rules',
}

/** A strategy that is there, once and whole, and weights that choose something. */
export function checkStrategy(file: Loose, name: string): Finding[] {
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
