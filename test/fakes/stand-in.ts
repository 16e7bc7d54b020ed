import type { Policy } from '../../src/domain/policy.ts'
import { FALLBACK_TRIGGERS, type FallbackTrigger, type Route } from '../../src/domain/routing/route.ts'

/**
 * The triggers for which every request has a fallback in this run of the tests, from STAND_IN: the routes that come of it
 * hold every answer back until it is known to be good, and clients must not notice. Without it the policy is as it was.
 */
const TRIGGERS = (process.env['STAND_IN'] ?? '')
  .split(',')
  .flatMap((word) => FALLBACK_TRIGGERS.filter((trigger) => trigger === word))

export function withStandIn(policy: Policy): Policy {
  if (TRIGGERS.length === 0 || policy.routing.routes.length > 0) return policy
  const providers = [...policy.providers.values()]
  // Nobody listens there: whoever is sent to it comes back with what the primary said.
  const standIns = providers.map((provider) => ({
    ...provider,
    name: `stand-in-${provider.name}`,
    baseUrl: new URL('http://127.0.0.1:9'),
    apiKey: 'k',
  }))
  const on: ReadonlySet<FallbackTrigger> = new Set(TRIGGERS)
  const routes = providers.map(({ name, dialect }): Route => ({
    name: `held-${name}`,
    dialect,
    match: { mounts: [name] },
    strategy: { kind: 'fixed', target: { key: `${name}/*`, provider: name, model: undefined } },
    fallbacks: [{ key: `stand-in-${name}/*`, provider: `stand-in-${name}`, model: undefined }],
    fallback: { on, answerTimeoutMs: 30_000, firstTokenTimeoutMs: 10_000, maxAttempts: 2, retries: 0 },
  }))
  return {
    ...policy,
    providers: new Map([...providers, ...standIns].map((provider) => [provider.name, provider])),
    routing: { ...policy.routing, routes },
  }
}
