import { describe, expect, it } from 'vitest'
import { SCENARIOS } from '../simulation/scenario.ts'
import { simulateMany, tableOf } from '../simulation/summary.ts'

const RUNS = 200

/** What each scenario must come to; intervals of 200 runs are about two points wide near 0 and 1. */
const PROMISES: Readonly<
  Record<string, { readonly promoted?: readonly [number, number]; readonly rolledBack?: readonly [number, number] }>
> = {
  equal: { promoted: [0.97, 1], rolledBack: [0, 0.05] },
  'equal, 24 h at 50 %': { promoted: [0.97, 1], rolledBack: [0, 0.05] },
  'equal, shadow first': { promoted: [0.97, 1], rolledBack: [0, 0.05] },
  'half a margin worse (.015)': { promoted: [0.94, 1] },
  'at the margin (.03)': { promoted: [0, 0.05] },
  '.05 worse': { promoted: [0, 0], rolledBack: [1, 1] },
  '.10 worse': { promoted: [0, 0], rolledBack: [1, 1] },
  '.10 worse, shadow first': { promoted: [0, 0], rolledBack: [1, 1] },
  'errors 1 → 10 %': { promoted: [0, 0], rolledBack: [1, 1] },
  'errors 1 → 3 %': { promoted: [0, 0.02], rolledBack: [0.98, 1] },
  'slow: 3 → 30 %': { promoted: [0, 0], rolledBack: [1, 1] },
  'equal, drifting, late, 6 % missing': { promoted: [0.95, 1], rolledBack: [0, 0.05] },
  'at the margin, drifting, late': { promoted: [0, 0.05] },
  'equal, 5 requests per unit, ICC .4': { promoted: [0.95, 1], rolledBack: [0, 0.05] },
  'at the margin, ICC .4': { promoted: [0, 0.05] },
  // What the product does not do, to show why: requests of one user are no independent witnesses.
  'at the margin, ICC .4, every request counted': {},
  'pace small, equal, 5,000 a day': { promoted: [1, 1], rolledBack: [0, 0.05] },
}

describe(`${RUNS} simulated rollouts each`, () => {
  it.each(SCENARIOS)('$name: as promised', (scenario) => {
    const summary = simulateMany(scenario, RUNS)
    const table = tableOf([summary])
    const promises = PROMISES[scenario.name]
    expect(promises, 'each scenario has its promise').toBeDefined()
    for (const kind of ['promoted', 'rolledBack'] as const) {
      const [least, most] = promises?.[kind] ?? [0, 1]
      const { share } = summary[kind]
      expect(share >= least && share <= most ? 'as promised' : `${kind} ${share}\n${table}`).toBe('as promised')
    }
  })
})
