import type { Shadow } from '../domain/shadow/shadow.ts'
import type { PicoUsd } from '../domain/units.ts'
import type { Json } from './ports.ts'
import { matchJson } from './routing-json.ts'

/** The shadows in force, with every default filled in. */
export function shadowsJson(shadows: readonly Shadow[]): Json {
  return shadows.map((shadow) => ({
    name: shadow.name,
    enabled: shadow.isEnabled,
    dialect: shadow.dialect,
    match: matchJson(shadow.match),
    sample: shadow.sample,
    salt: shadow.salt,
    candidates: shadow.candidates.map(({ key }) => key),
    aa_share: shadow.aaShare,
    budget: { per_hour_usd: usdText(shadow.budget.perHour), per_day_usd: usdText(shadow.budget.perDay) },
    max_concurrent: shadow.maxConcurrent,
    max_queued: shadow.maxQueued,
    timeout_ms: shadow.timeoutMs,
    headroom_floor: shadow.headroomFloor,
    max_request_bytes: shadow.maxRequestBytes,
    providers: shadow.providers === undefined ? null : [...shadow.providers],
    redact_candidate: shadow.redactsCandidate,
    streaming: shadow.streaming,
    audit: shadow.audit === undefined ? null : { route: shadow.audit.route, point_usd: shadow.audit.pointUsd },
  }))
}

/** US dollars with twelve decimals, exact. */
export function usdText(picoUsd: PicoUsd): string {
  const digits = picoUsd.toString().padStart(13, '0')
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`
}
