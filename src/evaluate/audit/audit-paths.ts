import type { AuditPathKind } from '../../domain/audit.ts'
import { DEFAULT_ROUTE } from '../../domain/decide.ts'
import type { Policy } from '../../domain/policy.ts'
import type { Dialect } from '../../domain/request.ts'
import type { Route } from '../../domain/routing/route.ts'
import { targetsOf } from '../../domain/routing/router.ts'
import { takesClientKey } from '../../domain/server-key.ts'

/** A way that a request can take through the proxy, and how to ask for it. */
export type AuditPath = {
  readonly kind: AuditPathKind
  /** Name of the route, or `provider/model`. */
  readonly path: string
  readonly dialect: Dialect
  /** Provider of the mount. */
  readonly mount: string
  readonly model: string
  /** What `x-understudy-route` says. */
  readonly route: string
}

export type AuditPaths = {
  readonly paths: readonly AuditPath[]
  readonly leftOut: readonly { readonly path: string; readonly why: string }[]
}

export type AuditPathsOptions = {
  /** Undefined: every route. */
  readonly routes: ReadonlySet<string> | undefined
  /** Whether a client's key is sent along; without one only providers with a key of the server's are asked. */
  readonly hasKey: boolean
}

/**
 * Every route, and every model that one of them may lead to, each model once: a weighted route, or a fallback, is as good
 * as what a request may meet there. Pure.
 */
export function auditPaths(
  { routing, providers }: Pick<Policy, 'routing' | 'providers'>,
  { routes: only, hasKey }: AuditPathsOptions,
): AuditPaths {
  const paths: AuditPath[] = []
  const leftOut: { path: string; why: string }[] = []
  const isPaid = (provider: string): boolean => {
    const found = providers.get(provider)
    return found !== undefined && (hasKey || !takesClientKey(found))
  }
  const routes = routing.routes.filter(({ name }) => only === undefined || only.has(name))
  for (const route of routes) {
    const asked = askedModel(route)
    const [first] = targetsOf(route).filter(({ provider }) => isPaid(provider))
    const model = asked ?? first?.model
    if (route.match.apis !== undefined && !route.match.apis.some((api) => GENERATING.has(api))) {
      leftOut.push({ path: route.name, why: 'it takes no requests that are answered in words' })
    } else if (first === undefined) leftOut.push({ path: route.name, why: NO_KEY })
    else if (model === undefined) leftOut.push({ path: route.name, why: NO_MODEL })
    else {
      const { name, dialect } = route
      paths.push({ kind: 'route', path: name, dialect, mount: first.provider, model, route: name })
    }
  }
  const seen = new Set<string>()
  for (const { dialect, provider, model } of routes.flatMap((route) =>
    targetsOf(route).map((target) => ({ ...target, dialect: route.dialect })),
  )) {
    const path = `${provider}/${model ?? '*'}`
    if (seen.has(path)) continue
    seen.add(path)
    if (model === undefined) leftOut.push({ path, why: NO_MODEL })
    else if (!isPaid(provider)) leftOut.push({ path, why: NO_KEY })
    else paths.push({ kind: 'target', path, dialect, mount: provider, model, route: DEFAULT_ROUTE })
  }
  return { paths, leftOut }
}

const NO_KEY = 'its provider has no api_key here, and no client pays for an audit'
const NO_MODEL = 'it has whatever model is asked for'
const GENERATING: ReadonlySet<string> = new Set(['chat_completions', 'messages', 'generate_content'])

/** A model that clients of the route ask for, where its match names one outright. */
function askedModel({ match }: Route): string | undefined {
  return match.models?.find((name) => !name.includes('*'))
}
