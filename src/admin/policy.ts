import { formatFault } from '../config/fault.ts'
import { effectivePolicy } from '../domain/changes/weights-view.ts'
import { configJson, faultJson, policyJson } from './policy-json.ts'
import type { AdminPorts } from './ports.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'
import { decodeUtf8 } from './utf8.ts'
import { weightsJson } from './weights-json.ts'

/** What curl's `--data-binary`, kubectl and editors call YAML. */
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/plain']

/**
 * `GET /admin/policy`: `{"version", "file", "applied_at", "rejected", "restart_needed", "live", "effective"}`; all but the
 * last two as in `/readyz`, `live` = `{"revision", "weights"}`, what is changed on top of the file (as in
 * `/admin/weights`), `effective` = the policy in force with every default filled in and secrets as `set` or `unset`.
 */
export function showPolicy(ports: AdminPorts): Handler {
  return () => {
    const view = ports.policyView()
    const effective = effectivePolicy(view.policy, view.weights)
    const live = { revision: view.overlayRevision, weights: view.weights.map(weightsJson) }
    return { status: 200, json: { ...configJson(view), live, effective: policyJson(effective) } }
  }
}

/**
 * `PUT /admin/policy`, the body a whole config file: 200 `{"result": "applied" or "unchanged", "version",
 * "restart_needed": [keys]}` when it is in force; 422 with `error`, `faults` (as in `/readyz`) and `text` (the same for
 * people, one fault per line) when it is not sound, 500 `unwritable` when it is and its file could not be written: then
 * nothing changed, or the message says that the file is damaged. 415 for a body that is not YAML.
 */
export function replacePolicy(ports: AdminPorts): Handler {
  return async ({ contentType, body, actor }) => {
    const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
    if (!YAML_TYPES.includes(type)) {
      const found = type === '' ? 'none' : `"${type.slice(0, 80)}"`
      return errorReply(415, 'unsupported_type', `Expected content-type ${YAML_TYPES[0]}, found ${found}.`)
    }
    const text = decodeUtf8(body)
    if (text === undefined) return errorReply(400, 'bad_request', 'The body is not valid UTF-8.')
    const applied = await ports.applyPolicy(text, actor)
    switch (applied.kind) {
      case 'applied':
      case 'unchanged': {
        const { kind, version, restartNeeded } = applied
        return { status: 200, json: { result: kind, version, restart_needed: restartNeeded } }
      }
      case 'rejected':
        return {
          status: 422,
          json: {
            error: {
              code: 'invalid_policy',
              message: `${applied.faults.length} fault(s), nothing was changed; see faults.`,
            },
            faults: applied.faults.map(faultJson),
            text: applied.faults.map(formatFault).join('\n'),
          },
        }
      case 'unwritable': {
        const file = applied.isIntact
          ? 'it is as it was, and nothing changed'
          : 'it is damaged, and the policy in force serves on without it: mend the file before the next start'
        return errorReply(
          500,
          'unwritable',
          `The policy is sound, but its file cannot be written (${applied.code}): ${file}.`,
        )
      }
    }
  }
}
