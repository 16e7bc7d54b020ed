import { afterEach } from 'vitest'
import { startProxy } from './proxy.ts'
import type { ProxyChanges, TestProxy } from './proxy.ts'

/** Starts proxies of a single test's own in front of the upstream at the given address; closed when the test is over. */
export function ownProxies(): (upstreamUrl: string, changes?: ProxyChanges) => Promise<TestProxy> {
  const proxies: TestProxy[] = []
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close(50)))
  })
  return async (upstreamUrl, changes) => {
    const proxy = await startProxy(upstreamUrl, changes)
    proxies.push(proxy)
    return proxy
  }
}
