import type { AdminPorts } from '../admin/ports.ts'
import type { Cell } from '../domain/ports.ts'
import { estimate, type Traffic } from '../domain/rollout/estimate.ts'
import type { RoutingState } from '../domain/state.ts'
import type { Rollouts } from '../rollout/open-rollouts.ts'
import type { Store } from '../store/store.ts'

/** Of which an estimate takes the traffic for today's. */
const DAYS = 7
/** Of the requests, where the file has no shadow of its own. */
const SHADOWED = 0.1
const HOURS_A_DAY = 24

/** What the admin port asks of rollouts. */
export function rolloutAdmin(
  rollouts: Rollouts,
  store: Pick<Store, 'rollouts'>,
  state: Pick<Cell<RoutingState>, 'current'>,
): AdminPorts['rollouts'] {
  return {
    views: rollouts.views,
    isDecider: () => rollouts.report().isDecider,
    explain: rollouts.explain,
    change: rollouts.change,
    events: store.rollouts.events,
    decisions: store.rollouts.decisions,
    estimate: async (name, signal) => {
      const { policy } = state.current()
      const rollout = policy.rollouts.find((each) => each.name === name)
      if (rollout === undefined) return undefined
      const read = await store.rollouts.traffic(rollout.route, DAYS, signal)
      if (read.kind === 'unavailable') return read
      const { requests = 0, units = 0, hasUnits = false, failed = 0, hours = 1 } = read.value ?? {}
      const days = Math.min(DAYS, hours / HOURS_A_DAY)
      const shadow = policy.shadows.find((each) => each.name === rollout.shadow)
      const { speed } = rollouts
      const traffic: Traffic = {
        requestsPerDay: requests / days,
        unitsPerDay: hasUnits ? units / days : undefined,
        scoredShare: rollout.scoredShare,
        shadowShare: shadow?.sample ?? SHADOWED,
        badShare: requests === 0 ? 0 : failed / requests,
      }
      return { kind: 'ok', value: { traffic, speed, paces: estimate(traffic, speed) } }
    },
  }
}
