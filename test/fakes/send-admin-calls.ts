import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { AdminCall } from './admin-arbitrary.ts'
import { adminFaults } from './admin-faults.ts'
import { escapeBytes, sendHostile } from './hostile-client.ts'

/** Requests sent at once: enough to overlap, few enough that none waits for a core. */
const BATCH = 50

/**
 * Sends `count` generated calls to an admin port and checks each answer; `afterBatch` checks what the calls of a batch
 * must have left as it was. A failure prints fast-check's seed.
 */
export async function sendAdminCalls(
  port: number,
  calls: fc.Arbitrary<AdminCall>,
  {
    count,
    seed,
    secrets,
    afterBatch,
  }: {
    readonly count: number
    readonly seed: number
    readonly secrets: readonly string[]
    readonly afterBatch: () => void | Promise<void>
  },
): Promise<void> {
  const batch = fc.array(calls, { minLength: BATCH, maxLength: BATCH })
  const property = fc.asyncProperty(batch, async (sent) => {
    const told = await Promise.all(
      sent.map(async (call) => {
        const { bytes, method } = call
        const reply = await sendHostile(port, bytes, { method, boundMs: 20_000 })
        const faults = adminFaults(call, reply, secrets)
        if (faults.length === 0) return []
        return [{ faults, sent: escapeBytes(bytes).slice(0, 600), got: escapeBytes(reply.bytes).slice(0, 600) }]
      }),
    )
    expect(told.flat()).toEqual([])
    await afterBatch()
  })
  await fc.assert(property, { numRuns: Math.ceil(count / BATCH), seed, endOnFailure: true, reporter: reportSeed })
}

/** Throws what a batch threw; the batch itself would be fifty requests as numbers. */
function reportSeed({ failed, seed, errorInstance }: fc.RunDetails<[AdminCall[]]>): void {
  if (failed) throw new Error(`a batch of seed ${seed} failed`, { cause: errorInstance })
}
