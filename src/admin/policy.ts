import { formatFault } from '../config/fault.ts'
import { faultJson, policyFactsJson, policyJson } from './policy-json.ts'
import type { AdminPorts } from './ports.ts'
import { errorReply } from './reply.ts'
import type { Handler } from './reply.ts'

/** What curl's `--data-binary`, kubectl and editors call YAML. */
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/plain']

/**
 * `GET /admin/policy`: `{"version", "file", "loaded_at", "loaded_by", "rejected", "effective"}`; `rejected` as in
 * `/readyz`, `effective` = the policy in force with every default filled in and secrets as `set` or `unset`.
 */
export function showPolicy(ports: AdminPorts): Handler {
  return () => {
    const view = ports.policyView()
    return {
      status: 200,
      json: { ...policyFactsJson(view), loaded_by: view.loadedBy, effective: policyJson(view.policy) },
    }
  }
}

/**
 * `PUT /admin/policy`, the body a whole config file: 200 `{"version", "needs_restart": [paths]}` when it is in force;
 * 422 with `error`, `faults` (as in `/readyz`) and `text` (the same for people, one fault per line) when it is not
 * sound, and nothing changed; 415 for a body that is not YAML; 500 `apply_failed` when it could not be put in force.
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
        return { status: 200, json: { version: applied.version, needs_restart: applied.needsRestart } }
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
      case 'failed':
        return errorReply(500, 'apply_failed', applied.detail)
    }
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
