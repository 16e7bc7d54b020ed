import type { Route, RouteTarget } from '../domain/routing/route.ts'
import { targetsOf } from '../domain/routing/router.ts'
import { auditShadowName, type Shadow, type ShadowBudget } from '../domain/shadow/shadow.ts'
import type { PicoUsd } from '../domain/units.ts'
import { resolveMatch } from './resolve-routing.ts'
import type { ConfigFile } from './schema.ts'

const HOUR_MS = 3_600_000
const HOURS_OF_A_DAY = 24n
const USUAL_SAMPLE = 0.02
const USUAL_POINT: PicoUsd = 0n
const PICO = 1e12

/** The shadows that routing audits bring along: one for each of their routes, whose targets all answer what it samples. */
export function impliedAuditShadows(
  { audits, routes: entries }: Pick<ConfigFile, 'audits' | 'routes'>,
  routes: readonly Route[],
): readonly Shadow[] {
  return Object.entries(audits).flatMap(([name, entry]) =>
    entry.kind !== 'routing'
      ? []
      : routes.flatMap((route): readonly Shadow[] => {
          const [first, second, ...others] = targetsOf({ ...route, rollouts: [] }).filter(hasModel)
          if (first === undefined || second === undefined || entry.routes?.includes(route.name) === false) return []
          const point = entry.point_value ?? entries[route.name]?.feedback?.point_value ?? USUAL_POINT
          const shadow = auditShadowName(name, route.name)
          return [
            {
              name: shadow,
              audit: { route: route.name, pointUsd: Number(point) / PICO },
              isEnabled: entry.enabled ?? true,
              dialect: route.dialect,
              // What is mirrored is told by the decision, not by a match of its own.
              match: resolveMatch({}),
              sample: entry.sample ?? USUAL_SAMPLE,
              salt: shadow,
              candidates: [first, second, ...others],
              // A pick is held against other models; what a judge makes of one model twice is for shadows to tell.
              aaShare: 0,
              budget: budgetOf(entry.budget, entry.every),
              maxConcurrent: entry.max_concurrent,
              maxQueued: 100,
              timeoutMs: 120_000,
              headroomFloor: 0.2,
              redactsCandidate: false,
              maxRequestBytes: 1_000_000,
              providers: undefined,
              streaming: true,
            },
          ]
        }),
  )
}

/** Only a model that the file names can be asked whatever the client asked for. */
function hasModel({ model }: RouteTarget): boolean {
  return model !== undefined
}

/** Of an hour, or of a day, in which one hour may spend it all. */
function budgetOf(usd: PicoUsd, everyMs: number): ShadowBudget {
  return { perHour: usd, perDay: everyMs === HOUR_MS ? usd * HOURS_OF_A_DAY : usd }
}
