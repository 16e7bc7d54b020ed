import type { Need } from './access.ts'
import { showAudits } from './audits.ts'
import { keepCalibrations } from './calibrations.ts'
import { keepAudit } from './keep-audit.ts'
import { eraseUser, showErasure } from './erase.ts'
import { healthz, readyz } from './health.ts'
import { replacePolicy, showPolicy } from './policy.ts'
import type { AdminPorts } from './ports.ts'
import { explainOneRoute } from './route.ts'
import {
  changeRollout,
  estimateRollout,
  listRolloutDecisions,
  listRolloutEvents,
  listRollouts,
  showRollout,
} from './rollouts.ts'
import { rebuildRollups, showRebuild } from './rollups.ts'
import { switchShadow } from './shadow-switch.ts'
import { showShadows } from './shadows.ts'
import { runSql } from './sql.ts'
import type { Handler } from './reply.ts'
import { showStore } from './store.ts'
import { showTargets } from './targets.ts'
import { listTraces, showTrace, summarise } from './traces.ts'
import { listChanges, listWeights, resetWeights, setWeights, showWeights } from './weights.ts'

export type Route = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** An Express path; `:id` is the only parameter. */
  readonly path: string
  readonly need: Need
  readonly handle: Handler
}

const ROLLOUT_VERBS = ['start', 'pause', 'resume', 'promote', 'rollback', 'abort', 'retry', 'approve'] as const

/** Everything that the admin port answers. */
export function adminRoutes(ports: AdminPorts): readonly Route[] {
  return [
    { method: 'GET', path: '/healthz', need: 'nothing', handle: healthz(ports) },
    { method: 'GET', path: '/readyz', need: 'nothing', handle: readyz(ports) },
    { method: 'GET', path: '/metrics', need: 'read', handle: showMetrics(ports) },
    { method: 'GET', path: '/admin/policy', need: 'read', handle: showPolicy(ports) },
    { method: 'PUT', path: '/admin/policy', need: 'write', handle: replacePolicy(ports) },
    { method: 'POST', path: '/admin/route', need: 'read', handle: explainOneRoute(ports) },
    { method: 'GET', path: '/admin/targets', need: 'read', handle: showTargets(ports) },
    { method: 'GET', path: '/admin/shadows', need: 'read', handle: showShadows(ports) },
    { method: 'POST', path: '/admin/shadows/:id/on', need: 'write', handle: switchShadow(ports, true) },
    { method: 'POST', path: '/admin/shadows/:id/off', need: 'write', handle: switchShadow(ports, false) },
    { method: 'GET', path: '/admin/audits', need: 'read', handle: showAudits(ports) },
    { method: 'GET', path: '/admin/rollouts', need: 'read', handle: listRollouts(ports) },
    { method: 'GET', path: '/admin/rollouts/:id', need: 'read', handle: showRollout(ports) },
    { method: 'GET', path: '/admin/rollouts/:id/events', need: 'read', handle: listRolloutEvents(ports) },
    { method: 'GET', path: '/admin/rollouts/:id/decisions', need: 'read', handle: listRolloutDecisions(ports) },
    { method: 'GET', path: '/admin/rollouts/:id/estimate', need: 'read', handle: estimateRollout(ports) },
    ...ROLLOUT_VERBS.map((verb): Route => ({
      method: 'POST',
      path: `/admin/rollouts/:id/${verb}`,
      need: 'write',
      handle: changeRollout(ports, verb),
    })),
    { method: 'GET', path: '/admin/weights', need: 'read', handle: listWeights(ports) },
    { method: 'GET', path: '/admin/weights/:id', need: 'read', handle: showWeights(ports) },
    { method: 'PUT', path: '/admin/weights/:id', need: 'write', handle: setWeights(ports) },
    { method: 'DELETE', path: '/admin/weights/:id', need: 'write', handle: resetWeights(ports) },
    { method: 'GET', path: '/admin/changes', need: 'read', handle: listChanges(ports) },
    { method: 'GET', path: '/admin/traces', need: 'read', handle: listTraces(ports) },
    { method: 'GET', path: '/admin/traces/:id', need: 'read', handle: showTrace(ports) },
    { method: 'GET', path: '/admin/summary', need: 'read', handle: summarise(ports) },
    { method: 'POST', path: '/admin/query', need: 'read', handle: runSql(ports) },
    { method: 'POST', path: '/admin/audits', need: 'write', handle: keepAudit(ports) },
    { method: 'POST', path: '/admin/calibrations', need: 'write', handle: keepCalibrations(ports) },
    { method: 'GET', path: '/admin/rollups', need: 'read', handle: showRebuild(ports) },
    { method: 'POST', path: '/admin/rollups', need: 'write', handle: rebuildRollups(ports) },
    { method: 'GET', path: '/admin/erasure', need: 'write', handle: showErasure(ports) },
    { method: 'POST', path: '/admin/erasure', need: 'write', handle: eraseUser(ports) },
    { method: 'GET', path: '/admin/store', need: 'read', handle: showStore(ports) },
  ]
}

/** `GET /metrics`: the Prometheus text format. */
function showMetrics({ metrics }: AdminPorts): Handler {
  return async () => ({ status: 200, text: await metrics.expose(), contentType: metrics.contentType })
}
