import type { Shadow } from '../domain/shadow/shadow.ts'
import { type FunnelTotal, type ShadowSum, sumShadows } from '../domain/shadow/shadow-report.ts'
import type { PicoUsd } from '../domain/units.ts'
import { timeJson } from './policy-json.ts'
import type { AdminPorts, Json } from './ports.ts'
import type { Handler } from './reply.ts'
import { usdText } from './shadows-json.ts'

/**
 * `GET /admin/shadows`: `{"shadows": […]}`, each with what it may and did spend, what is under way, and its funnel since
 * the processes began: `eligible` = the sum of `skipped` + `mirrored`, `mirrored` = `compared` + the sum of `failed`.
 */
export function showShadows(ports: AdminPorts): Handler {
  return async () => {
    const sums = sumShadows(await ports.shadows())
    const { shadows } = ports.policyView().policy
    return { status: 200, json: { shadows: shadows.map((shadow) => shadowJson(shadow, sums)) } }
  }
}

function shadowJson(shadow: Shadow, sums: readonly ShadowSum[]): Json {
  const sum = sums.find((each) => each.shadow === shadow.name)
  const counts = sum?.counts ?? []
  const { perHour, perDay } = shadow.budget
  const candidates = new Map(
    counts.flatMap(({ target, isControl }) =>
      target === undefined ? [] : [[`${target.provider}/${target.model} ${isControl}`, { target, isControl }] as const],
    ),
  )
  return {
    name: shadow.name,
    enabled: shadow.isEnabled,
    on: sum?.isOn ?? shadow.isEnabled,
    sample: shadow.sample,
    running: sum?.running ?? 0,
    queued: sum?.queued ?? 0,
    backed_off_until: sum?.backedOffUntil === undefined ? null : timeJson(sum.backedOffUntil),
    budget: {
      hour: budgetJson(perHour, sum?.hourPicoUsd ?? 0n),
      day: budgetJson(perDay, sum?.dayPicoUsd ?? 0n),
    },
    funnel: funnelJson(counts),
    candidates: [...candidates.values()].map(({ target, isControl }) => ({
      target: `${target.provider}/${target.model}`,
      is_control: isControl,
      ...funnelJson(
        counts.filter(
          (count) =>
            count.isControl === isControl &&
            count.target?.provider === target.provider &&
            count.target.model === target.model,
        ),
        false,
      ),
    })),
  }
}

/** `used`: spent, and set aside for calls under way. */
function budgetJson(limit: PicoUsd, used: PicoUsd): Json {
  return { limit_usd: usdText(limit), used_usd: usdText(used), left_usd: usdText(used > limit ? 0n : limit - used) }
}

function funnelJson(counts: readonly FunnelTotal[], hasEligible = true): { readonly [name: string]: Json } {
  const of = (stage: FunnelTotal['stage']): number =>
    counts.filter((count) => count.stage === stage).reduce((sum, { requests }) => sum + requests, 0)
  return {
    ...(hasEligible ? { eligible: of('eligible') } : {}),
    skipped: byReason(counts, 'skipped'),
    mirrored: of('mirrored'),
    compared: of('compared'),
    failed: byReason(counts, 'failed'),
  }
}

function byReason(counts: readonly FunnelTotal[], stage: 'skipped' | 'failed'): Json {
  const sums: Record<string, number> = {}
  for (const count of counts) {
    if (count.stage === stage) sums[count.reason] = (sums[count.reason] ?? 0) + count.requests
  }
  return sums
}
