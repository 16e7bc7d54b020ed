import { DEFAULT_HEALTH } from '../../src/domain/routing/health-policy.ts'
import type { HealthPolicy } from '../../src/domain/routing/health-policy.ts'
import type { EndedCall } from '../../src/domain/routing/ended-call.ts'
import { routerOf, targetKeys } from '../../src/domain/routing/router.ts'
import type { TargetHealth } from '../../src/domain/routing/target-health.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { createHealthKeeper } from '../../src/health/keep-health.ts'
import type { HealthKeeper } from '../../src/health/keep-health.ts'
import { aProvider } from './a-provider.ts'
import { aRoutingState } from './a-routing.ts'
import { realWorld } from './real-world.ts'

/** By the wall clock. */
export const STARTED_AT = Date.UTC(2026, 10, 20, 12)
/** Two targets at one provider, one at another. */
const ROUTES = `routes:
  main: { target: openai/gpt-4o, fallbacks: [openai/gpt-4o-mini, second/*] }
`

/** A keeper of health whose clock only the test moves. */
export type TestKeeper = {
  readonly keeper: HealthKeeper
  readonly policy: Policy
  readonly wait: (ms: number) => void
  readonly now: () => number
  /** As a decision would read it. */
  readonly state: (key?: string) => TargetHealth
  /** A whole call, begun and ended at once unless `durationMs` says otherwise: the clock goes on by it. */
  readonly call: (parts?: Partial<EndedCall>) => void
  /** Event names of the log and what they say. */
  readonly lines: readonly (readonly [event: string, fields: unknown])[]
}

export function aKeeper(health: Partial<HealthPolicy> = {}, routes = ROUTES): TestKeeper {
  // Not at a round time: windows begin anywhere.
  let now = 1_234_567.8
  const started = now
  const lines: [string, unknown][] = []
  const say = (event: string, fields?: unknown): void => void lines.push([event, fields])
  const policy = { ...aRoutingState(routes).policy, health: { ...DEFAULT_HEALTH, ...health } }
  const keys = targetKeys(routerOf(policy.routing))
  const keeper = createHealthKeeper({
    policy,
    world: { now: () => STARTED_AT + (now - started), monotonic: () => now, newId: realWorld.newId },
    instance: 'here',
    log: { info: say, warn: say, error: say },
  })
  return {
    keeper,
    policy,
    lines,
    now: () => now,
    wait: (ms) => {
      now += ms
    },
    state: (key = 'openai/gpt-4o') => keeper.view(keys, now)[key] ?? 'healthy',
    call: (parts = {}) => {
      const key = parts.key ?? 'openai/gpt-4o'
      const probe = keeper.begun(key, now)
      now += parts.durationMs ?? 0
      keeper.ended(endedCall({ ...parts, key, probe, endedAt: now }))
    },
  }
}

/** A call that went well. */
export function endedCall(parts: Partial<EndedCall> = {}): EndedCall {
  return {
    key: 'openai/gpt-4o',
    provider: aProvider({ name: 'openai', rateLimitHeaders: 'openai' }),
    probe: undefined,
    endedAt: 0,
    durationMs: 0,
    firstTokenMs: undefined,
    isStream: false,
    outcome: { kind: 'completed', status: 200 },
    fault: undefined,
    headers: [],
    ...parts,
  }
}

type Ending = Pick<EndedCall, 'outcome' | 'fault'>

/** How calls may end, as the gateway tells it. */
export const WELL: Ending = { outcome: { kind: 'completed', status: 200 }, fault: undefined }
export const BROKEN: Ending = answered(500, 'error')
export const UNREACHABLE: Ending = {
  outcome: { kind: 'unavailable', error: 'connect_failed', mayHaveRun: false },
  fault: { trigger: 'error', retryAfterMs: undefined },
}
export const CLIENTS_FAULT: Ending = { ...answered(400, 'error'), fault: undefined }
export const CANCELLED: Ending = { outcome: { kind: 'cancelled', status: undefined }, fault: undefined }

/** An error answer that is a reason to go elsewhere. */
export function answered(
  status: number,
  trigger: NonNullable<EndedCall['fault']>['trigger'],
  retryAfterMs?: number,
): Ending {
  return {
    outcome: { kind: 'refused', status, error: 'upstream_error', errorType: undefined },
    fault: { trigger, retryAfterMs },
  }
}

export function times(count: number, act: () => void): void {
  for (let done = 0; done < count; done++) act()
}

/** Waits until the next request for the first target is a probe, and says how long that took. */
export function untilProbe(test: TestKeeper): number {
  const since = test.now()
  while (test.state() !== 'probing') {
    if (test.now() - since > 120_000) throw new Error(`no probe within two minutes: ${test.state()}`)
    test.wait(10)
  }
  return test.now() - since
}
