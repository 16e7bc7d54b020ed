import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { aModel, type SimulatedModel } from '../../src/simulator/model.ts'
import { afterAll, beforeAll } from 'vitest'
import { createHealthKeeper } from '../../src/health/keep-health.ts'
import { configOf } from './a-config.ts'
import { silentLog } from './silent-log.ts'
import { realWorld, startProxy, type ProxyChanges, type TestProxy } from './proxy.ts'

/** Two accounts at simulated providers: the client's own, and one that only the server has the key of. */
export type RoutedProxy = {
  readonly proxy: TestProxy
  /** At the mounts `openai`, `anthropic` and `gemini`. */
  readonly primary: Simulator
  /** As `spare-openai`, `spare-anthropic` and `spare-gemini`, by a key of the server's. */
  readonly spare: Simulator
}

export const SPARE_KEY = 'sk-of-the-server'

/** A proxy whose providers are at these two addresses, with the routes of a policy file; it keeps their health. */
export function startRouted(
  primaryUrl: string,
  spareUrl: string,
  routing: string,
  changes: ProxyChanges = {},
): Promise<TestProxy> {
  const providers = (['openai', 'anthropic', 'gemini'] as const).flatMap((dialect) => [
    `  ${dialect}: { dialect: ${dialect}, base_url: '${primaryUrl}', include_usage: ${dialect === 'openai'} }`,
    `  spare-${dialect}: { dialect: ${dialect}, base_url: '${spareUrl}', api_key: ${SPARE_KEY}, include_usage: ${dialect === 'openai'} }`,
  ])
  const { policy } = configOf(`providers:\n${providers.join('\n')}\n${routing}`)
  const quiet = {
    ...policy,
    access: { ...policy.access, allowedHosts: new Set(['client.example', 'x']) }, // what raw clients call it
    log: { level: 'error' as const, requests: false },
  }
  const health = createHealthKeeper({ policy: quiet, world: realWorld, instance: 'test', log: silentLog })
  const stages = { health, ...changes.stages }
  return startProxy(primaryUrl, { ...changes, policy: { ...quiet, ...changes.policy }, stages })
}

/** A route per dialect whose every model has the same one at the spare account as its fallback. */
export function spareRoutes(fallback = ''): string {
  const rules = fallback === '' ? '' : `, fallback: ${fallback}`
  const routes = ['openai', 'anthropic', 'gemini'].map(
    (dialect) =>
      `  ${dialect}: { match: { mount: ${dialect} }, target: ${dialect}/*, fallbacks: [spare-${dialect}/*]${rules} }`,
  )
  return `routes:\n${routes.join('\n')}\n`
}

/** Both, for the tests of one file. `models`: of the primary; the spare has them all, without a fault. */
export function aRoutedProxy(
  routing: string,
  models: readonly SimulatedModel[],
  changes: ProxyChanges = {},
): () => RoutedProxy {
  let routed: RoutedProxy | undefined
  beforeAll(async () => {
    const primary = await startSimulator({ models })
    const spare = await startSimulator({ models: models.map(({ name }) => aModel(name)), apiKey: SPARE_KEY, seed: 2 })
    routed = { primary, spare, proxy: await startRouted(primary.url, spare.url, routing, changes) }
  })
  afterAll(async () => {
    await routed?.proxy.close(200)
    await routed?.primary.close()
    await routed?.spare.close()
  })
  return () => {
    if (routed === undefined) throw new Error('used before its beforeAll ran')
    return routed
  }
}

/** A model that this befalls every time. */
export function aFaulty(name: string, fault: string): SimulatedModel {
  return aModel(name, { faults: [{ fault, probability: 1 }] })
}
