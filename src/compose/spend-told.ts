import type { Spend } from '../domain/spend-budget.ts'
import type { ToWorker } from '../workers/messages.ts'

type SpendMessage = Extract<ToWorker, { kind: 'shadow_spend' }>

/** What one of `workers` is told of what was spent besides: its share, as each has a share of the budget. */
export function spendTold(spent: ReadonlyMap<string, Spend>, workers: number): SpendMessage {
  const share = (picoUsd: bigint): string => String(picoUsd / BigInt(workers))
  return {
    kind: 'shadow_spend',
    spent: [...spent].map(([shadow, { hour, day }]) => ({ shadow, hour: share(hour), day: share(day) })),
  }
}

export function spendHeard({ spent }: SpendMessage): ReadonlyMap<string, Spend> {
  return new Map(spent.map(({ shadow, hour, day }) => [shadow, { hour: BigInt(hour), day: BigInt(day) }]))
}
