import { CHANGED_STATES, type HealthReport, type TargetReport } from '../domain/routing/health-report.ts'
import { TARGET_HEALTH } from '../domain/routing/target-health.ts'
import type { Reading, SourceFamily } from './source-family.ts'

/** How targets are. Their names come from the config, so there are as many series as the operator wrote targets. */
export function healthFamilies(health: () => HealthReport): readonly SourceFamily[] {
  const targets = (of: (target: TargetReport) => number | undefined): readonly Reading[] =>
    health().targets.flatMap((report) => {
      const value = of(report)
      return value === undefined ? [] : [[[report.target], value]]
    })
  return [
    {
      type: 'gauge',
      name: 'understudy_target_state',
      help: '1 for the state that a target of a route is in, 0 for the others; with several workers, how many say so.',
      labelNames: ['target', 'state'],
      read: () =>
        health().targets.flatMap(({ target, state }) =>
          TARGET_HEALTH.map((each): Reading => [[target, each], each === state ? 1 : 0]),
        ),
    },
    {
      type: 'counter',
      name: 'understudy_target_changes_total',
      help: 'Times that a target went out (degraded, open, throttled) or came back (healthy).',
      labelNames: ['target', 'state'],
      read: () =>
        health().targets.flatMap(({ target, changes }) =>
          CHANGED_STATES.map((state): Reading => [[target, state], changes[state]]),
        ),
    },
    {
      type: 'gauge',
      name: 'understudy_target_window_calls',
      help: 'Calls to a target in the window of its error rate.',
      labelNames: ['target'],
      read: () => targets(({ window }) => window.calls),
    },
    {
      type: 'gauge',
      name: 'understudy_target_window_failures',
      help: 'Those of understudy_target_window_calls that failed through the fault of the target.',
      labelNames: ['target'],
      read: () => targets(({ window }) => window.failures),
    },
    {
      type: 'gauge',
      name: 'understudy_target_active_calls',
      help: 'Calls to a target under way.',
      labelNames: ['target'],
      read: () => targets(({ active }) => active),
    },
    {
      type: 'gauge',
      name: 'understudy_target_headroom_ratio',
      help: 'Share of the requests, or tokens, that a target said to be left of its limit; absent where it does not say.',
      labelNames: ['target', 'limit'],
      read: () =>
        health().targets.flatMap(({ target, headroom }): readonly Reading[] => [
          ...ratio(target, 'requests', headroom?.requestsRemaining, headroom?.requestsLimit),
          ...ratio(target, 'tokens', headroom?.tokensRemaining, headroom?.tokensLimit),
        ]),
    },
    {
      type: 'gauge',
      name: 'understudy_provider_connections_state',
      help: '1 for the state that the connections to a provider are in, 0 for the others.',
      labelNames: ['provider', 'state'],
      read: () =>
        health().providers.flatMap(({ provider, state }) =>
          (['healthy', 'degraded', 'open', 'probing'] as const).map((each): Reading => [
            [provider, each],
            each === state ? 1 : 0,
          ]),
        ),
    },
  ]
}

function ratio(
  target: string,
  limit: string,
  remaining: number | undefined,
  of: number | undefined,
): readonly Reading[] {
  return remaining === undefined || of === undefined ? [] : [[[target, limit], remaining / of]]
}
