import type { AdminPorts } from './ports.ts'
import type { Handler } from './reply.ts'

/**
 * `GET /admin/store`: `{"kind", "state", "detail", "server_version", "read_only"}`; `read_only` = null, or how to read
 * the tables with SQL: `url`, `database`, `username` and `password`, which is null for all but the full token.
 */
export function showStore(ports: AdminPorts): Handler {
  return ({ isFull }) => {
    const { kind, state, detail, serverVersion, readOnly } = ports.storeView()
    return {
      status: 200,
      json: {
        kind,
        state,
        detail: detail ?? null,
        server_version: serverVersion ?? null,
        read_only:
          readOnly === undefined
            ? null
            : {
                url: withoutCredentials(readOnly.url),
                database: readOnly.database,
                username: readOnly.username,
                password: isFull ? readOnly.password : null,
              },
      },
    }
  }
}

function withoutCredentials(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  return `${url.origin}${url.pathname}`
}
