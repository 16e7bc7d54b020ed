import type { AdminPorts } from '../admin/ports.ts'
import type { Cell, World } from '../domain/ports.ts'
import type { RoutingState } from '../domain/state.ts'
import { explainRequest } from '../gateway/explain-request.ts'

/** Explains described requests by the policy in force; targets are taken to be healthy. */
export function explainDescribed(state: Cell<RoutingState>, world: World): AdminPorts['explain'] {
  return ({ path, headers, body }) =>
    explainRequest(
      { method: 'POST', url: path, headers, body: Buffer.from(body) },
      { state: state.current(), health: {}, knownModel: () => undefined, id: world.newId(), at: world.now() },
    )
}
