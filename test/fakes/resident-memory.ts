import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const SAMPLE_EVERY_MS = 20

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} tells no resident memory`)
  return Number(kilobytes) * 1024
}

/** The most resident memory that a process had while `run` ran, in bytes, and what `run` returned. */
export async function peakWhile<T>(pid: number, run: () => Promise<T>): Promise<{ peakBytes: number; result: T }> {
  let peakBytes = residentBytes(pid)
  let isOver = false
  const watch = async (): Promise<void> => {
    while (!isOver) {
      await sleep(SAMPLE_EVERY_MS)
      peakBytes = Math.max(peakBytes, residentBytes(pid))
    }
  }
  const watching = watch()
  try {
    const result = await run()
    return { result, peakBytes }
  } finally {
    isOver = true
    await watching
  }
}
