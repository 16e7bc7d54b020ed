import { DEFAULT_HEALTH } from '../domain/routing/health-policy.ts'
import { formatDurationMs } from './duration.ts'
import { durationMs, share, wholeNumber } from './leaves.ts'
import { section } from './section.ts'

const { windowMs, errorRate, minRequests, consecutiveFailures, probes } = DEFAULT_HEALTH
const { probeAfterMs, probeAfterMaxMs, probeTimeoutMs } = DEFAULT_HEALTH

/** When a target counts as ill, and how it gets well again. */
export const healthSection = section({
  error_rate: share()
    .prefault(errorRate)
    .describe('A target is left for last while more than this share of its calls in the window failed.'),
  window: durationMs().prefault(formatDurationMs(windowMs)).describe('Over which the error rate is taken.'),
  min_requests: wholeNumber(1, 1_000_000)
    .prefault(minRequests)
    .describe('With fewer calls in the window the error rate says nothing.'),
  consecutive_failures: wholeNumber(1, 1_000)
    .prefault(consecutiveFailures)
    .describe('So many failures in a row shut a target out; half of the last 20 calls do, too.'),
  probe_after: durationMs()
    .prefault(formatDurationMs(probeAfterMs))
    .describe('Before the first request that probes whether it is back; twice as long after each that fails.'),
  probe_after_max: durationMs()
    .prefault(formatDurationMs(probeAfterMaxMs))
    .describe('The longest such wait, and about how late a target is that has come back.'),
  probe_timeout: durationMs()
    .prefault(formatDurationMs(probeTimeoutMs))
    .describe('A probe that has no result by then makes way for the next.'),
  probes: wholeNumber(1, 100).prefault(probes).describe('So many good ones in a row, and the target is well again.'),
})
