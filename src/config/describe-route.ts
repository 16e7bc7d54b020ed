import type { Route, Strategy } from '../domain/routing/route.ts'

/** A route in one line: `canary: weighted openai/gpt-4o (90), openai/gpt-4o-mini (10), then openai/gpt-4o`. */
export function describeRoute({ name, strategy, fallbacks, feedback }: Route): string {
  const standby = fallbacks.length === 0 ? '' : `, then ${fallbacks.map(({ key }) => key).join(', ')}`
  const moved = feedback === undefined ? '' : `; feedback: ${feedback.mode}`
  return `${name}: ${strategy.kind} ${describeStrategy(strategy)}${standby}${moved}`
}

function describeStrategy(strategy: Strategy): string {
  switch (strategy.kind) {
    case 'fixed':
      return strategy.target.key
    case 'weighted':
    case 'balance':
      return strategy.targets.map(({ target, weight }) => `${target.key} (${weight})`).join(', ')
    case 'rules':
      return `${strategy.rules.map((rule) => `${rule.name} → ${rule.target.key}`).join(', ')}, otherwise ${strategy.otherwise.key}`
  }
}
