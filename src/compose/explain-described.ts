import type { AdminPorts } from '../admin/ports.ts'
import type { Cell, World } from '../domain/ports.ts'
import type { HealthReport } from '../domain/routing/health-report.ts'
import type { HealthView, TargetHealth } from '../domain/routing/target-health.ts'
import type { RoutingState } from '../domain/state.ts'
import { explainRequest } from '../gateway/explain-request.ts'
import { openKnownModels } from './known-models.ts'

/** Explains described requests by the policy in force and the health of its targets. */
export function explainDescribed(
  state: Cell<RoutingState>,
  world: World,
  report: AdminPorts['health'],
): AdminPorts['explain'] {
  const knownModels = openKnownModels(state)
  return async ({ path, headers, body }) => {
    const health = viewOf(await report())
    return explainRequest(
      { method: 'POST', url: path, headers, body: Buffer.from(body) },
      { state: state.current(), health, knownModel: await knownModels, id: world.newId(), at: world.now() },
    )
  }
}

/** As one request would read it. Where several workers differ, one for which the target is ill counts. */
function viewOf({ targets }: HealthReport): HealthView {
  const ill: Record<string, TargetHealth> = {}
  for (const { target, state } of targets) {
    if (state !== 'healthy') ill[target] ??= state
  }
  return ill
}
