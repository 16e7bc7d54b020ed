import { switchName, switchWeights } from '../domain/shadow/shadow-switch.ts'
import type { AdminPorts } from './ports.ts'
import { queryFault } from './query.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'
import { refusal } from './weights.ts'

const LONGEST_REASON = 1_000

/**
 * `POST /admin/shadows/:id/on?reason=` and `…/off`: in force here at once and on every other proxy within seconds, until it
 * is changed again or the file says something else. 200 with `stored`, false while ClickHouse is away; 404 unknown shadow.
 */
export function switchShadow(ports: AdminPorts, isOn: boolean): Handler {
  return async ({ id, actor, query, ifMatch }) => {
    const fault = queryFault(query, ['reason'])
    if (fault !== undefined) return errorReply(400, 'bad_request', fault)
    const answer = await ports.changeWeights({
      route: switchName(id),
      wish: { weights: switchWeights(isOn), pins: undefined },
      actor,
      reason: (query.get('reason') ?? '').slice(0, LONGEST_REASON),
      ifMatch,
    })
    if (answer.kind !== 'applied') return refusal(answer)
    return { status: 200, json: { name: id, on: isOn, stored: answer.isStored } }
  }
}
