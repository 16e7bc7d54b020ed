import type { Cell } from '../domain/ports.ts'
import type { RolloutState } from '../domain/rollout/rollout-state.ts'
import { NO_OVERLAY } from '../domain/routing/overlay.ts'
import type { RoutingState } from '../domain/state.ts'
import type { Store } from '../store/store.ts'
import type { OverlayTold, PolicyText, StoreTold, ToWorker } from '../workers/messages.ts'
import { statesTold } from './rollout-parts.ts'

/** What the primary knows that its workers must: each part as it is now. */
export type WorkersTold = {
  readonly policy: () => PolicyText
  readonly overlay: () => OverlayTold
  readonly rollouts: () => readonly RolloutState[]
  readonly store: () => StoreTold
  /** Tells all workers of every change from now on. */
  readonly follow: (tellAll: (message: ToWorker) => void) => void
}

export function workersTold(
  state: Cell<RoutingState>,
  store: Pick<Store, 'status' | 'writer' | 'subscribe'>,
  inForce: () => PolicyText,
): WorkersTold {
  const told: Omit<WorkersTold, 'follow'> = {
    policy: () => {
      const { text, version } = inForce()
      return { text, version }
    },
    overlay: () => {
      const { revision, weights } = state.current().overlay ?? NO_OVERLAY
      return { revision, weights: [...weights] }
    },
    rollouts: () => statesTold(state.current().rollouts),
    store: () => {
      const { kind, detail } = store.status()
      return { address: kind === 'ready' ? store.writer() : undefined, detail }
    },
  }
  return {
    ...told,
    follow: (tellAll) => {
      let last = state.current()
      state.subscribe((next) => {
        const before = last
        last = next
        if (next.overlay !== before.overlay) tellAll({ kind: 'overlay', overlay: told.overlay() })
        if (next.rollouts !== before.rollouts) tellAll({ kind: 'rollouts', states: told.rollouts() })
        if (next.policyVersion !== before.policyVersion) tellAll({ kind: 'policy', policy: told.policy() })
      })
      store.subscribe(() => tellAll({ kind: 'store', store: told.store() }))
    },
  }
}
