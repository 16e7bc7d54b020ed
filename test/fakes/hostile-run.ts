import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { hostileRequest } from './hostile-arbitrary.ts'
import { escapeBytes, sendHostile } from './hostile-client.ts'
import { ambiguitiesOf, checkStillWorks, contradictionsOf } from './hostile-stage.ts'
import type { HostileStage } from './hostile-stage.ts'

/** Requests sent at once: enough to overlap, few enough that none waits for a core. */
const BATCH = 125

/**
 * Sends `count` generated requests, all of a batch at once, every fifth connection reset by its client. After each
 * batch everything must be answered or closed, recorded once and let go of, and a normal request must work. A failure
 * prints fast-check's seed.
 */
export async function sendGenerated(stage: HostileStage, count: number, seed: number | undefined): Promise<void> {
  const batch = fc.array(hostileRequest(stage.evilPort), { minLength: BATCH, maxLength: BATCH })
  const settings = seed === undefined ? {} : { seed }
  await fc.assert(
    fc.asyncProperty(batch, async (requests) => void (await sendBatch(stage, requests))),
    // A counterexample would be 125 requests as numbers; what is odd is shown by the assertions.
    { reporter: reportSeed, numRuns: Math.ceil(count / BATCH), endOnFailure: true, ...settings },
  )
}

/** Sends `requests` at once and checks what must hold when they are over. Resolves with the records they left. */
export async function sendBatch(
  stage: HostileStage,
  requests: readonly Buffer[],
  isAbrupt = (n: number): boolean => n % 5 === 4,
): Promise<readonly Exchange[]> {
  const { proxy } = stage
  const replies = await Promise.all(
    requests.map((bytes, n) => sendHostile(proxy.port, bytes, { isAbrupt: isAbrupt(n) })),
  )
  const { records, calls } = await stage.settled()
  const odd = replies.flatMap(({ statuses, bytes }, n) =>
    statuses.every((status) => ALLOWED.has(status))
      ? []
      : [{ sent: escapeBytes(requests[n] ?? Buffer.alloc(0)), got: escapeBytes(bytes) }],
  )
  expect(odd).toEqual([])
  expect(records.flatMap(contradictionsOf)).toEqual([])
  expect(new Set(records.map(({ request }) => request.id)).size).toBe(records.length)
  // What reaches the upstream was read as a request here, too: nothing is smuggled behind another.
  expect(calls.length).toBeLessThanOrEqual(records.filter(({ attempts }) => attempts.length > 0).length)
  expect(calls.flatMap((call) => ambiguitiesOf(call, stage.upstream))).toEqual([])
  expect(stage.evilConnections()).toBe(0)
  expect(proxy.errors).toEqual([])
  await checkStillWorks(stage)
  return records
}

/** Throws what a batch threw, with the seed that leads there. */
function reportSeed({ failed, seed, numRuns, errorInstance }: fc.RunDetails<[Buffer[]]>): void {
  if (failed) throw new Error(`batch ${numRuns} of seed ${seed} failed`, { cause: errorInstance })
}

const ALLOWED: ReadonlySet<number> = new Set([200, 400, 404, 408, 413, 431])

/** What a process holds after its garbage is gone. */
export function heldNow(): { readonly heapBytes: number; readonly handles: number } {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') for (let i = 0; i < 3; i++) collect()
  return { heapBytes: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length }
}
