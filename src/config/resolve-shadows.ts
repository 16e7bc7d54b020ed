import type { Provider } from '../domain/policy.ts'
import type { Shadow } from '../domain/shadow/shadow.ts'
import { resolveMatch } from './resolve-routing.ts'
import type { ConfigFile } from './schema.ts'

type ShadowEntry = ConfigFile['shadows'][string]

/** The shadows that a checked file means, in its order. */
export function resolveShadows(
  { shadows }: Pick<ConfigFile, 'shadows'>,
  providers: ReadonlyMap<string, Provider>,
): readonly Shadow[] {
  return Object.entries(shadows).map(([name, entry]) => resolveShadow(name, entry, providers))
}

function resolveShadow(name: string, entry: ShadowEntry, providers: ReadonlyMap<string, Provider>): Shadow {
  const [first, ...others] = entry.candidates
  if (first === undefined) throw new TypeError(`shadows.${name} has no candidate`)
  return {
    name,
    isEnabled: entry.enabled,
    dialect: providers.get(first.provider)?.dialect ?? 'openai',
    match: resolveMatch(entry.match),
    sample: entry.sample,
    salt: entry.salt ?? name,
    candidates: [first, ...others],
    aaShare: entry.aa_share,
    budget: { perHour: entry.budget.per_hour, perDay: entry.budget.per_day },
    maxConcurrent: entry.max_concurrent,
    maxQueued: entry.max_queued,
    timeoutMs: entry.timeout,
    headroomFloor: entry.headroom_floor,
    maxRequestBytes: entry.max_request_bytes,
    providers: entry.providers === undefined ? undefined : new Set(entry.providers),
    redactsCandidate: entry.redact_candidate,
    streaming: entry.streaming,
  }
}
