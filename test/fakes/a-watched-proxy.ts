import { afterEach } from 'vitest'
import type { HealthSource } from '../../src/domain/ports.ts'
import type { TargetReport } from '../../src/domain/routing/health-report.ts'
import { createHealthKeeper } from '../../src/health/keep-health.ts'
import type { HealthKeeper } from '../../src/health/keep-health.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { SPARE_KEY, startRouted } from './a-routed-proxy.ts'
import { realWorld, type TestProxy } from './proxy.ts'

/** A proxy that keeps the health of two accounts, with a clock that a test may set forward. */
export type WatchedProxy = {
  readonly proxy: TestProxy
  readonly primary: Simulator
  readonly spare: Simulator
  readonly keeper: HealthKeeper
  /** The clock jumps. Nothing may be under way. */
  readonly skip: (ms: number) => void
  /** How the only target of the primary is. */
  readonly report: () => TargetReport
  /** Asks for model `m` and resolves to the status, once the answer is whole. */
  readonly ask: (body?: Readonly<Record<string, unknown>>) => Promise<number>
  /** From now on so much befalls the model at the primary. */
  readonly break: (fault: string, probability?: number) => void
  readonly mend: () => void
}

/** Starts them for a single test, and closes them after it. `more`: further keys of the policy file. */
export function watchedProxies(): (more?: string, fallback?: string) => Promise<WatchedProxy> {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  return async (more = '', fallback = '{}') => {
    const primary = await startSimulator({ models: [aModel('m')] })
    closers.push(primary.close)
    const spare = await startSimulator({ models: [aModel('m')], apiKey: SPARE_KEY, seed: 2 })
    closers.push(spare.close)
    let ahead = 0
    const world = {
      ...realWorld,
      now: () => realWorld.now() + ahead,
      monotonic: () => realWorld.monotonic() + ahead,
    }
    const policy = `routes:\n  r: { match: { model: m }, target: openai/*, fallbacks: [spare-openai/*], fallback: ${fallback} }\n`
    // The keeper needs the policy that the proxy is started with.
    const health: HealthSource = {
      view: (keys, now, clientKey) => keeper.view(keys, now, clientKey),
      begun: (key, now) => keeper.begun(key, now),
      ended: (call) => keeper.ended(call),
      heard: (call) => keeper.heard(call),
    }
    const proxy = await startRouted(primary.url, spare.url, policy + more, { stages: { health, world } })
    closers.push(() => proxy.close(200))
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const keeper = createHealthKeeper({ policy: proxy.state.current().policy, world, instance: 'here', log })
    return {
      proxy,
      primary,
      spare,
      keeper,
      skip: (ms) => {
        ahead += ms
      },
      report: () => {
        const report = keeper.report().targets.find(({ target }) => target === 'openai/*')
        if (report === undefined) throw new Error('the policy has no such target')
        return report
      },
      ask: async (body = {}) => {
        const answer = await fetch(`${proxy.url}/openai/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client' },
          body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body }),
        })
        await answer.text()
        return answer.status
      },
      break: (fault, probability = 1) => primary.setModel('m', { faults: [{ fault, probability }] }),
      mend: () => primary.setModel('m', { faults: [] }),
    }
  }
}
