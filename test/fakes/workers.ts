import { setTimeout as sleep } from 'node:timers/promises'
import { parseExposition } from './parse-exposition.ts'
import type { ProxyProcess } from './proxy-process.ts'

const PATIENCE_MS = 30_000

/** The process ids of the workers that serve, by number from 1 on. */
export function workerPids(proxy: ProxyProcess): readonly number[] {
  const pids: number[] = []
  for (const { event, worker, pid } of proxy.lines()) {
    if (event === 'worker_serving' && typeof worker === 'number' && typeof pid === 'number') pids[worker - 1] = pid
  }
  return pids
}

/** The sum over all series of a metric of the proxy. */
export async function metricSum(proxy: ProxyProcess, name: string): Promise<number> {
  const families = parseExposition((await proxy.admin('/metrics')).text)
  const samples = [...families.values()].flatMap((family) => family.samples).filter((sample) => sample.name === name)
  return samples.reduce((sum, { value }) => sum + value, 0)
}

/** Waits until so many workers serve. */
export async function serving(proxy: ProxyProcess, workers: number): Promise<void> {
  await until(`${workers} workers serve`, async () => (await proxy.readiness()).workers?.serving === workers)
}

export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(20)
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
