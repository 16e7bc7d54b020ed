import { Pool } from 'undici'
import type { Policy, Provider } from '../domain/policy.ts'

export type Pools = {
  readonly of: (provider: Provider) => Pool
  /** Closes, once idle, every pool that no provider of `policy` uses any more. */
  readonly retain: (policy: Policy) => void
  /** Cuts the calls still under way, also those on pools that were let go before. */
  readonly close: () => Promise<void>
}

/** Kept open between calls; below the 60 s after which most load balancers in front of providers hang up. */
const KEEP_ALIVE_MS = 30_000

/**
 * One connection pool per distinct upstream. Pools outlive a reload: a provider that a new policy describes the same
 * way keeps its warm connections, and one that changed finishes its calls on the old pool.
 */
export function createPools(): Pools {
  const byKey = new Map<string, Pool>()
  const leaving = new Set<Pool>()
  const byProvider = new WeakMap<Provider, Pool>()
  const open = (provider: Provider): Pool => {
    const key = keyOf(provider)
    let pool = byKey.get(key)
    if (pool === undefined) {
      pool = new Pool(provider.baseUrl.origin, {
        pipelining: 1,
        allowH2: false, // HTTP/1.1 keeps header order, case and duplicates as the upstream sent them
        keepAliveTimeout: KEEP_ALIVE_MS,
        connect: { timeout: provider.connectTimeoutMs },
      })
      byKey.set(key, pool)
    }
    byProvider.set(provider, pool)
    return pool
  }
  return {
    of: (provider) => {
      const known = byProvider.get(provider)
      return known === undefined || known.closed ? open(provider) : known
    },
    retain: (policy) => {
      const used = new Set([...policy.providers.values()].map(keyOf))
      for (const [key, pool] of byKey) {
        if (used.has(key)) continue
        byKey.delete(key)
        leaving.add(pool)
        void pool.close().finally(() => leaving.delete(pool))
      }
    },
    close: async () => {
      await Promise.all([...byKey.values(), ...leaving].map((pool) => pool.destroy()))
    },
  }
}

function keyOf(provider: Provider): string {
  return `${provider.baseUrl.origin} ${provider.connectTimeoutMs}`
}
