import { setTimeout as sleep } from 'node:timers/promises'
import { usageOf, type Usage } from './process-tree.ts'
import type { LoadResult } from './load-order.ts'
import type { Load, Stage, Standing } from './stage.ts'
import { CHUNKS } from './wire.ts'

/** Seconds of each part of a measurement; a part of 0 seconds is left out. */
export type Lengths = {
  readonly single: number
  readonly crowd: number
  readonly firstByte: number
  readonly streams: number
}

/** One round of one contender. Times in milliseconds, CPU in microseconds; undefined = not measured. */
export type Sample = {
  readonly singleP50Ms: number | undefined
  readonly singleP99Ms: number | undefined
  readonly crowdP50Ms: number | undefined
  readonly crowdP99Ms: number | undefined
  readonly requestsPerSecond: number
  readonly cpuPerRequestUs: number | undefined
  readonly storeCpuPerRequestUs: number | undefined
  readonly firstByteP50Ms: number | undefined
  readonly cpuPerChunkUs: number | undefined
  readonly rssMb: number | undefined
  readonly storeRssMb: number | undefined
  readonly faults: number
  readonly firstFault: string | undefined
}

/** Connections of the crowd, plain and streaming. */
export const CROWD = 64
/** Pause between two chunks of a stream: 1 ms where the first byte is timed, a model's own where chunks are counted. */
const PACE_MS = { firstByte: 1, streams: 10 } as const

export async function measure(stage: Stage, standing: Standing, lengths: Lengths): Promise<Sample> {
  const send = (order: Load): Promise<LoadResult> => stage.load(standing, order)

  const single = await send({ kind: 'plain', paceMs: 0, connections: 1, seconds: lengths.single })
  await untilQuiet(standing)
  const crowd = await counted(standing, () =>
    send({ kind: 'plain', paceMs: 0, connections: CROWD, seconds: lengths.crowd }),
  )
  const firstByte = await send({
    kind: 'stream',
    paceMs: PACE_MS.firstByte,
    connections: 1,
    seconds: lengths.firstByte,
  })
  await untilQuiet(standing)
  const streams = await counted(standing, () =>
    send({ kind: 'stream', paceMs: PACE_MS.streams, connections: CROWD, seconds: lengths.streams }),
  )
  const all = [single, crowd.result, firstByte, streams.result]
  return {
    singleP50Ms: single.p50Ms,
    singleP99Ms: single.p99Ms,
    crowdP50Ms: crowd.result.p50Ms,
    crowdP99Ms: crowd.result.p99Ms,
    requestsPerSecond: crowd.result.answers / crowd.result.seconds,
    cpuPerRequestUs: share(crowd.cpuMs, crowd.result.answers),
    storeCpuPerRequestUs: share(crowd.storeCpuMs, crowd.result.answers),
    firstByteP50Ms: firstByte.firstByteP50Ms,
    cpuPerChunkUs: share(streams.cpuMs, streams.result.answers * CHUNKS),
    rssMb: usage(standing)?.rssMb,
    storeRssMb: usage(standing)?.storeRssMb,
    faults: all.reduce((sum, result) => sum + result.faults, 0),
    firstFault: all.find((result) => result.firstFault !== undefined)?.firstFault,
  }
}

/** What the contender's processes use now; undefined where it has none or the system does not tell. */
export function usage(standing: Standing): Usage | undefined {
  return standing.child && usageOf(standing.child.pid, standing.contender.store ?? /^$/)
}

type Counted<T> = {
  readonly result: T
  readonly cpuMs: number | undefined
  readonly storeCpuMs: number | undefined
}

/** Runs a load and charges all the CPU it caused, that of the work left over for afterwards included. */
export async function counted<T>(standing: Standing, load: () => Promise<T>): Promise<Counted<T>> {
  const before = usage(standing)
  const result = await load()
  await untilQuiet(standing)
  const after = usage(standing)
  if (before === undefined || after === undefined) return { result, cpuMs: undefined, storeCpuMs: undefined }
  return { result, cpuMs: after.cpuMs - before.cpuMs, storeCpuMs: after.storeCpuMs - before.storeCpuMs }
}

const QUIET_SHARE = 0.1
const LOOK_EVERY_MS = 250
const QUIET_WITHIN_MS = 5000

/**
 * Waits until the contender uses less than a tenth of a core. Rows are stored after their answers: without this wait
 * their cost would be charged to whoever is measured next.
 */
export async function untilQuiet(standing: Standing): Promise<void> {
  let last = usage(standing)
  for (let waitedMs = 0; last !== undefined && waitedMs < QUIET_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS)
    const now = usage(standing)
    if (now === undefined) return
    const usedMs = now.cpuMs + now.storeCpuMs - last.cpuMs - last.storeCpuMs
    if (usedMs < LOOK_EVERY_MS * QUIET_SHARE) return
    last = now
  }
}

/** Microseconds each, of a total in milliseconds. */
export function share(totalMs: number | undefined, pieces: number): number | undefined {
  return totalMs === undefined || pieces === 0 ? undefined : (totalMs * 1000) / pieces
}
