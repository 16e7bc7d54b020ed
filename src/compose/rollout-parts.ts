import { join } from 'node:path'
import type { SpoolFacts } from '../admin/ports.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import type { HealthReport } from '../domain/routing/health-report.ts'
import { openRollouts, type Rollouts, type RolloutsOptions } from '../rollout/open-rollouts.ts'
import type { LiveChanges } from '../store/live-changes.ts'
import type { Store } from '../store/store.ts'

export type RolloutParts = Pick<RolloutsOptions, 'state' | 'instance' | 'pace' | 'world' | 'log'> & {
  readonly dataDir: string
  readonly store: Pick<Store, 'journal' | 'rollouts' | 'status'>
  /** Of whatever follows the journals; opened after this, and before `start`. */
  readonly live: () => Pick<LiveChanges, 'look'>
  readonly health: () => HealthReport | Promise<HealthReport>
  readonly spool: () => SpoolFacts | Promise<SpoolFacts>
}

/** Opens what moves rollouts, over the rooms of this process. */
export function openRolloutParts(parts: RolloutParts): Promise<Rollouts> {
  const { dataDir, store, live, health, spool, ...rest } = parts
  const { journal } = store
  return openRollouts({
    ...rest,
    file: join(dataDir, 'rollouts.json'),
    journal:
      journal === undefined
        ? undefined
        : { append: (entry) => journal.append('rollout_events', entry), look: () => live().look() },
    store: { ...store.rollouts, isReady: () => store.status().kind === 'ready' },
    recentOf: async ({ candidate, stable }) => {
      const { targets } = await health()
      const callsOf = (key: string): { readonly calls: number; readonly failed: number } => {
        const windows = targets.filter(({ target }) => target === key).map(({ window }) => window)
        const sum = (of: (window: (typeof windows)[number]) => number): number =>
          windows.reduce((total, window) => total + of(window), 0)
        return { calls: sum(({ calls }) => calls), failed: sum(({ failures }) => failures) }
      }
      return { candidate: callsOf(candidate.key), stable: callsOf(stable.key) }
    },
    oldestUnstored: async () => (await spool()).oldestAt,
  })
}

/** The states as they go to workers, and back. */
export function statesTold(states: ReadonlyMap<string, RolloutState> | undefined): readonly RolloutState[] {
  return [...(states?.values() ?? [])]
}

export function statesHeard(told: readonly RolloutState[]): ReadonlyMap<string, RolloutState> {
  return new Map(told.map((state) => [state.name, state]))
}
