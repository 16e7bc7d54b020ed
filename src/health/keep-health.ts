import type { Policy } from '../domain/policy.ts'
import type { HealthSource, Log, World } from '../domain/ports.ts'
import type { Breaker } from '../domain/routing/breaker.ts'
import { connectionVerdict, targetVerdict } from '../domain/routing/call-verdict.ts'
import type { EndedCall } from '../domain/routing/ended-call.ts'
import type { HealthReport, ProviderHeadroom } from '../domain/routing/health-report.ts'
import type { PastCall } from '../domain/routing/past-call.ts'
import { drawFor } from '../domain/routing/draws.ts'
import { targetsOf } from '../domain/routing/router.ts'
import type { HealthView, TargetHealth } from '../domain/routing/target-health.ts'
import { createCircuit } from './circuit.ts'
import { createHeadroomKeeper } from './provider-headroom.ts'
import { providerReport, targetReport } from './reports.ts'
import { createTargetRecord } from './target-record.ts'
import type { ProviderRecord, TargetRecord } from './target-record.ts'

/** Keeps the health of every target that a route of the policy names, in this process's memory. */
export type HealthKeeper = HealthSource & {
  /** Targets that stay keep what is known of them; others are forgotten. */
  readonly setPolicy: (policy: Policy) => void
  /** Fills the windows with calls of the past, as far as they are young enough. */
  readonly warm: (calls: readonly PastCall[]) => void
  readonly report: () => HealthReport
  /** What providers say is left of their limits, also those that no route names. */
  readonly headroom: () => readonly ProviderHeadroom[]
}

export type KeeperOptions = {
  readonly policy: Policy
  readonly world: World
  /** Names this process. */
  readonly instance: string
  readonly log: Log
}

/** Shared, so that deciding among healthy targets makes nothing. */
const ALL_HEALTHY: HealthView = Object.freeze({})

export function createHealthKeeper({ policy: first, world, instance, log }: KeeperOptions): HealthKeeper {
  let policy = first
  let targets = new Map<string, TargetRecord>()
  let providers = new Map<string, ProviderRecord>()
  /** Of all probes of this process, so that one call may be the probe of a target and of its provider. */
  let probes = 0
  /** False while all targets are spotless: then nobody need look at them one by one for every request. */
  let mayBeIll = true
  const headroom = createHeadroomKeeper()
  const parts = { policy: () => policy.health, draw: () => drawFor(world.newId(), 'jitter') }
  setPolicy(first)

  function setPolicy(next: Policy): void {
    policy = next
    mayBeIll = true
    const named = next.routing.routes.flatMap(targetsOf)
    const keptProviders = new Map<string, ProviderRecord>()
    const keptTargets = new Map<string, TargetRecord>()
    for (const { key, provider } of named) {
      const owner = keptProviders.get(provider) ?? providers.get(provider) ?? createProviderRecord(provider)
      keptProviders.set(provider, owner)
      keptTargets.set(key, targets.get(key) ?? createTargetRecord(key, owner, { ...parts, log, epoch: world.now }))
    }
    targets = keptTargets
    providers = keptProviders
    headroom.forget((name) => next.providers.has(name))
    for (const { circuit } of [...targets.values(), ...providers.values()]) circuit.setWindow(next.health.windowMs)
  }

  function createProviderRecord(provider: string): ProviderRecord {
    const changed = (from: Breaker, to: Breaker): void => logProvider(log, provider, from, to)
    return { provider, circuit: createCircuit({ ...parts, changed }), active: 0 }
  }

  const clockNow = () => ({ now: world.monotonic(), at: world.now() })

  return {
    setPolicy,
    view: (keys, now, clientKey) => {
      if (!mayBeIll) return ALL_HEALTHY
      let ill: Record<string, TargetHealth> | undefined
      let spotless = 0
      for (const key of keys) {
        const record = targets.get(key)
        const state = record?.state(now, clientKey) ?? 'healthy'
        if (record?.isSpotless(now) === true) spotless += 1
        if (state === 'healthy') continue
        ill ??= {}
        ill[key] = state
      }
      mayBeIll = spotless < targets.size
      return ill ?? ALL_HEALTHY
    },
    begun: (key, now) => {
      const record = targets.get(key)
      if (record === undefined) return undefined
      const { owner, circuit } = record
      record.active += 1
      owner.active += 1
      const isTargetProbe = circuit.begun(probes + 1, now)
      const isProviderProbe = owner.circuit.begun(probes + 1, now)
      return isTargetProbe || isProviderProbe ? ++probes : undefined
    },
    heard: headroom.heard,
    ended: (call) => {
      headroom.heard(call)
      const record = targets.get(call.key)
      if (record === undefined) return
      note(record, call)
      mayBeIll ||= !record.isSpotless(call.endedAt)
    },
    warm: (calls) => {
      mayBeIll = true
      const now = world.monotonic()
      const zero = world.now() - now
      for (const call of calls) targets.get(keyOf(call, targets))?.addPast(call, call.endedAt - zero, now)
    },
    report: () => {
      const clock = clockNow()
      return {
        targets: [...targets.values()].map((record) => targetReport(record, instance, clock)),
        providers: [...providers.values()].map((record) => providerReport(record, instance, clock)),
      }
    },
    headroom: () => headroom.report(clockNow()),
  }
}

function note(record: TargetRecord, call: EndedCall): void {
  const { endedAt, probe } = call
  const { owner } = record
  // A target that left the policy and came back has calls under way that its new record has not seen begin.
  record.active = Math.max(0, record.active - 1)
  owner.active = Math.max(0, owner.active - 1)
  const startedAt = endedAt - call.durationMs
  const verdict = targetVerdict(call)
  record.note(call, verdict)
  record.circuit.ended({ verdict, startedAt, endedAt, probe })
  owner.circuit.ended({ verdict: connectionVerdict(call.outcome), startedAt, endedAt, probe })
}

/** The route's own word for a call: its model where one is named, else the provider's `*`. */
function keyOf({ provider, model }: PastCall, targets: ReadonlyMap<string, TargetRecord>): string {
  const key = `${provider}/${model}`
  return targets.has(key) ? key : `${provider}/*`
}

function logProvider(log: Log, provider: string, from: Breaker, to: Breaker): void {
  if (to.kind === 'out' && (from.kind === 'in_use' || from.why !== to.why)) {
    log.warn('provider_out', { provider, why: to.why })
  } else if (from.kind === 'out' && to.kind === 'in_use') log.info('provider_back', { provider })
}
