import type { AdminPorts, Json, ReadinessFacts } from './ports.ts'
import { configJson, timeJson } from './policy-json.ts'
import type { Handler } from './reply.ts'

/** Above this share of its cap the spool is about to drop rows. */
const NEARLY_FULL = 0.8

export type Readiness = {
  readonly status: 'ready' | 'degraded' | 'starting' | 'draining'
  /** `workers_missing`, `config_rejected`, `store_<state>` while the store is not ready, `spool_nearly_full`. */
  readonly because: readonly string[]
}

/**
 * Whether traffic should come here. The proxy serves as long as it listens and has a policy: ClickHouse away, a
 * faulty config file and a filling spool degrade it and need a person, but taking it out would only hurt clients.
 */
export function readinessOf({ isServing, isDraining, workers, config, store, spool }: ReadinessFacts): Readiness {
  const because: string[] = []
  if (workers !== undefined && workers.serving < workers.wanted) because.push('workers_missing')
  if (config.rejected !== undefined) because.push('config_rejected')
  if (store.kind !== 'none' && store.state !== 'ready') because.push(`store_${store.state}`)
  if (spool.bytes > NEARLY_FULL * spool.maxBytes) because.push('spool_nearly_full')
  if (isDraining) return { status: 'draining', because }
  if (!isServing) return { status: 'starting', because }
  return { status: because.length === 0 ? 'ready' : 'degraded', because }
}

/**
 * `GET /healthz`: 200 `{"status":"alive"}` as long as the process answers. For liveness probes: it looks at nothing.
 * With `?challenge=<hex>` also `"proof"`, by which a command knows this process before it sends the token (`runProof`).
 */
export function healthz({ prove }: AdminPorts): Handler {
  return ({ query }) => {
    const proof = prove(query.get('challenge'))
    return { status: 200, json: { status: 'alive', ...(proof === undefined ? {} : { proof }) } }
  }
}

/**
 * `GET /readyz`: 200 when `status` is `ready` or `degraded`, 503 when it is `starting` or `draining`.
 *
 * `{"status", "because": [codes]}` for everyone; who may read the admin API sees more:
 * - `workers`: `serving`, `wanted`; only where there are several
 * - `config`: `version`, `file`, `applied_at`, `rejected` = null or `{"since", "faults": [{"file", "line", "column",
 *   "path", "text"}]}`, `restart_needed` = keys of the file that take effect at the next start only
 * - `store`: `kind`, `state` (`ready`, `starting`, `migrating`, `down`, `failed`, `closed`, `none`), `detail`
 * - `spool`: `rows`, `bytes`, `max_bytes`, `oldest_at`, `dropped_rows`, `quarantined_rows`
 */
export function readyz(ports: AdminPorts): Handler {
  return async ({ isTrusted }) => {
    const facts = await ports.readiness()
    const { status, because } = readinessOf(facts)
    const isReady = status === 'ready' || status === 'degraded'
    // A config fault quotes the file and a store error names a host: not for whoever happens to reach the port.
    return { status: isReady ? 200 : 503, json: { status, because, ...(isTrusted ? detailJson(facts) : {}) } }
  }
}

function detailJson({ workers, config, store, spool }: ReadinessFacts): Readonly<Record<string, Json>> {
  return {
    ...(workers === undefined ? {} : { workers: { serving: workers.serving, wanted: workers.wanted } }),
    config: configJson(config),
    store: { kind: store.kind, state: store.state, detail: store.detail },
    spool: {
      rows: spool.rows,
      bytes: spool.bytes,
      max_bytes: spool.maxBytes,
      oldest_at: spool.oldestAt === undefined ? null : timeJson(spool.oldestAt),
      dropped_rows: spool.droppedRows,
      quarantined_rows: spool.quarantinedRows,
    },
  }
}
