import type { AdminPorts, Json, StoreAccess } from './ports.ts'
import type { Handler } from './reply.ts'

/**
 * `GET /admin/store`: `{"kind", "state", "detail", "access"}`, the first three as in `/readyz`; `access` = null, or how
 * to look at the tables: `{"url", "database", "read_only"}`, where `read_only` = null on a server of the operator's own
 * and else `{"username", "password"}`, the password null for all but the full token.
 */
export function showStore(ports: AdminPorts): Handler {
  return ({ isFull }) => {
    const { kind, state, detail, access } = ports.storeView()
    return {
      status: 200,
      json: { kind, state, detail, access: access === undefined ? null : accessJson(access, isFull) },
    }
  }
}

function accessJson({ url, database, readOnly }: StoreAccess, isFull: boolean): Json {
  return {
    url: withoutCredentials(url),
    database,
    read_only:
      readOnly === undefined ? null : { username: readOnly.username, password: isFull ? readOnly.password : null },
  }
}

function withoutCredentials(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  return `${url.origin}${url.pathname}`
}
