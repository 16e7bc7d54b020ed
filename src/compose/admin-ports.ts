import type { AdminPorts, ReadinessFacts, StoreFacts } from '../admin/ports.ts'
import type { ConfigReloader } from '../config/reload.ts'
import { weightsViews } from '../domain/changes/weights-view.ts'
import type { Cell, Log, World } from '../domain/ports.ts'
import { runProof } from '../domain/run-proof.ts'
import { rolloutAdmin } from './rollout-admin.ts'
import { rowsSettled } from './rows-settled.ts'
import type { RoutingState } from '../domain/state.ts'
import type { Feedback } from '../feedback/open-feedback.ts'
import type { Rollouts } from '../rollout/open-rollouts.ts'
import type { LiveChanges } from '../store/live-changes.ts'
import type { Store } from '../store/store.ts'

export type AdminParts = {
  /** The config file, as the operator named it. */
  readonly file: string
  readonly runKey: string
  readonly reloader: Pick<ConfigReloader, 'status' | 'apply'>
  readonly state: Cell<RoutingState>
  readonly live: Pick<LiveChanges, 'change' | 'lastChange'>
  readonly rollouts: Rollouts
  readonly feedback: Pick<Feedback, 'report'>
  readonly explain: AdminPorts['explain']
  readonly store: Store
  readonly storeFacts: () => StoreFacts
  readonly serving: () => Promise<Omit<ReadinessFacts, 'config' | 'store'>>
  readonly health: AdminPorts['health']
  readonly shadows: AdminPorts['shadows']
  readonly audits: AdminPorts['audits']
  /** As on the rows of this proxy. */
  readonly instance: string
  readonly metrics: AdminPorts['metrics']
  readonly now: World['now']
  readonly log: Log
}

/** What the admin port asks, answered by the other rooms. */
export function adminPorts(parts: AdminParts): AdminPorts {
  const { reloader, state, live, store, storeFacts, log } = parts
  const config = () => ({ ...reloader.status(), file: parts.file })
  const weights: AdminPorts['weights'] = () => {
    const { policy, overlay } = state.current()
    return weightsViews(policy, overlay, live.lastChange)
  }
  return {
    prove: (challenge) => runProof(parts.runKey, challenge),
    readiness: async () => ({ ...(await parts.serving()), config: config(), store: storeFacts() }),
    policyView: () => {
      const { policy, overlay } = state.current()
      return { ...config(), policy, weights: weights(), overlayRevision: overlay?.revision ?? '' }
    },
    weights,
    changeWeights: live.change,
    feedback: parts.feedback.report,
    changes: store.reads.changes,
    applyPolicy: async (text, actor) => {
      const outcome = await reloader.apply(text)
      log.info('policy_put', { actor, result: outcome.kind })
      return outcome
    },
    rollouts: rolloutAdmin(parts.rollouts, store, state),
    explain: parts.explain,
    health: parts.health,
    shadows: parts.shadows,
    audits: parts.audits,
    keepAudit: (run) => store.audits.keepRun(run, parts.instance),
    recentTraces: store.reads.recentTraces,
    trace: store.reads.trace,
    summary: store.reads.summary,
    query: store.query,
    keepCalibrations: store.keepCalibrations,
    rebuildRollups: store.rebuild.start,
    rebuildStatus: store.rebuild.status,
    eraseUser: ({ user, before = parts.now(), isDryRun }, actor) => {
      log.info('erasure_asked', { actor, isDryRun })
      return store.erase.start({ user, before, isDryRun }, (signal) => rowsSettled(parts.serving, parts.now, signal))
    },
    eraseStatus: store.erase.status,
    storeView: () => ({ ...storeFacts(), access: store.access() }),
    metrics: parts.metrics,
  }
}
