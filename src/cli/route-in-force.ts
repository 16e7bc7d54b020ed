import { policyJson } from '../admin/policy-json.ts'
import { parseTargetName } from '../config/target-name.ts'
import type { Config } from '../domain/policy.ts'
import type { RouteTarget } from '../domain/routing/route.ts'
import { type JsonRow, recordIn, rowsIn, textIn } from './json-rows.ts'
import { askAdmin } from './read-admin.ts'
import { findRunning } from './run-file.ts'

/** What reports need to know of a route and of the policy that it stands in. */
export type RouteInForce = {
  /** Every one, in the order of the file, candidates of rollouts last, each once. */
  readonly targets: readonly RouteTarget[]
  /** Key of the target that feedback measures the others by; undefined where it goes by a number, or is off. */
  readonly reference: string | undefined
  /** By how much feedback takes another target to be as good; undefined where it is off. */
  readonly delta: number | undefined
  /** Least acceptable quality, by task. */
  readonly minimum: Readonly<Record<string, number>>
}

export type PolicyInForce = {
  /** Whose it is, as a sentence. */
  readonly whose: string
  readonly routeNames: readonly string[]
  readonly routeOf: (name: string) => RouteInForce | undefined
}

/** The policy of the running proxy, or of the config file where none runs. */
export async function policyInForce({ boot, policy }: Config): Promise<PolicyInForce> {
  const running = await findRunning(boot)
  const effective =
    running === undefined
      ? recordIn({ policy: policyJson(policy) }, 'policy')
      : recordIn(await askAdmin(running, '/admin/policy', {}), 'effective')
  const routes = rowsIn(effective, 'routes')
  return {
    whose:
      running === undefined
        ? 'No proxy runs: routes are those of the config file.'
        : `Routes are those of the proxy at ${running.adminUrl}.`,
    routeNames: routes.map((route) => textIn(route, 'name')),
    routeOf: (name) => {
      const route = routes.find((each) => textIn(each, 'name') === name)
      return route === undefined ? undefined : routeIn(route, effective)
    },
  }
}

function routeIn(route: JsonRow, policy: JsonRow | undefined): RouteInForce {
  const candidates = rowsIn(policy, 'rollouts')
    .filter((rollout) => rollout['route'] === route['name'])
    .map((rollout) => textIn(rollout, 'candidate'))
  const keys = [
    textIn(route, 'target'),
    ...[...rowsIn(route, 'targets'), ...rowsIn(route, 'rules')].map((each) => textIn(each, 'target')),
    textIn(route, 'otherwise'),
    ...(Array.isArray(route['fallbacks']) ? route['fallbacks'].map(String) : []),
    ...candidates,
  ]
  const feedback = recordIn(route, 'feedback')
  const { reference, delta } = feedback ?? {}
  return {
    targets: [...new Set(keys)].flatMap((key) => parseTargetName(key) ?? []),
    reference: typeof reference === 'string' ? reference : undefined,
    delta: typeof delta === 'number' ? delta : undefined,
    minimum: Object.fromEntries(
      Object.entries(recordIn(recordIn(policy, 'scoring'), 'minimum') ?? {}).flatMap(([task, least]) =>
        typeof least === 'number' ? [[task, least]] : [],
      ),
    ),
  }
}
