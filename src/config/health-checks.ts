import { DEFAULT_HEALTH } from '../domain/routing/health-policy.ts'
import { formatDurationMs, parseDurationMs } from './duration.ts'
import type { Finding, Loose } from './loose.ts'

const FIRST = ['health', 'probe_after']
const LONGEST = ['health', 'probe_after_max']

/** A first wait for a probe that is longer than the longest. */
export function checkHealth(file: Loose): Finding[] {
  const firstMs = durationAt(file, FIRST, DEFAULT_HEALTH.probeAfterMs)
  const longestMs = durationAt(file, LONGEST, DEFAULT_HEALTH.probeAfterMaxMs)
  if (firstMs === undefined || longestMs === undefined || firstMs <= longestMs) return []
  // Blamed is the one that is there: where both are, the limit, because the other comes before it.
  if (file.isSet(LONGEST)) {
    const text = `expected at least probe_after, which is ${formatDurationMs(firstMs)}, found ${file.found(LONGEST)}`
    return [{ path: LONGEST, at: 'value', text }]
  }
  const longest = `probe_after_max, which is ${formatDurationMs(longestMs)} unless it is set`
  return [{ path: FIRST, at: 'value', text: `expected at most ${longest}, found ${file.found(FIRST)}` }]
}

/** Undefined for what is no duration, which is a fault of its own. */
function durationAt(file: Loose, path: readonly string[], otherwise: number): number | undefined {
  if (!file.isSet(path)) return otherwise
  const value = file.at(path)
  return typeof value === 'string' ? parseDurationMs(value) : undefined
}
