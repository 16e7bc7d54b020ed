import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { slopeOf } from '../bench/summary.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { latency, MIXED_CALLS, startClosedLoop } from './closed-loop.ts'
import { compareLedger, type Difference } from './compare-ledger.ts'
import { aProxyHome, settingsFor } from './proxy-process.ts'
import { residentBytes } from './resident-memory.ts'

const MB = 1024 * 1024
const SAMPLE_EVERY_MS = 1_000
const CLIENTS = 12
const PAUSE_MS = 25
/** The promise: by then a row can be queried. */
const QUERYABLE_WITHIN_MS = 30_000
const STORE_ASKED_EVERY = 5

export type SoakReport = {
  readonly answered: number
  readonly failures: readonly string[]
  readonly difference: Difference
  /** Rows of requests that nobody got an answer to. */
  readonly others: number
  /** Answers that were older than 30 s and not yet in the store, at the worst moment. */
  readonly overdueRows: number
  /** Resident memory of the proxy each second, in megabytes, from the end of its warm-up. */
  readonly residentMb: readonly number[]
  /** By least squares over `residentMb`. */
  readonly megabytesPerMinute: number
  /** The median of the last fifth less the median of the first. */
  readonly grownMb: number
  /** Open files and sockets at the end of the warm-up and at the end. */
  readonly handles: { readonly before: number; readonly after: number }
  readonly p99Ms: number
}

export type SoakOptions = {
  readonly warmUpMs: number
  readonly durationMs: number
  /** Environment of the proxy, nothing by default. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Mixed calls without a break on a proxy of its own, for `warmUpMs` unmeasured and then for `durationMs`. */
export async function soak({ warmUpMs, durationMs, environment = {} }: SoakOptions): Promise<SoakReport> {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(settingsFor(simulator.url), { environment })
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: CLIENTS, calls: MIXED_CALLS, pauseMs: PAUSE_MS })
  onTestFinished(() => loop.stop())
  const handles = (): number => readdirSync(`/proc/${proxy.pid}/fd`).length

  await sleep(warmUpMs)
  const before = handles()
  const from = performance.now()
  const residentMb: number[] = []
  /** How many answers there were, and when. */
  const answered: { readonly at: number; readonly count: number }[] = []
  let overdueRows = 0
  while (performance.now() - from < durationMs) {
    await sleep(SAMPLE_EVERY_MS)
    residentMb.push(residentBytes(proxy.pid) / MB)
    const now = performance.now()
    answered.push({ at: now, count: loop.ledger.size })
    const due = answered.findLast(({ at }) => at < now - QUERYABLE_WITHIN_MS)
    if (due === undefined || answered.length % STORE_ASKED_EVERY !== 0) continue
    const [stored] = await proxy.rows<{ readonly traces: number }>('SELECT toUInt32(count()) AS traces FROM traces')
    overdueRows = Math.max(overdueRows, due.count - (stored?.traces ?? 0))
  }
  const after = handles()
  const p99Ms = latency(loop.ledger, 99, { from, to: performance.now() })
  await loop.stop()
  await proxy.drained()
  const { difference, others } = await compareLedger(proxy.rows, loop.ledger)
  const fifth = Math.ceil(residentMb.length / 5)
  return {
    answered: loop.ledger.size,
    failures: loop.failures,
    difference,
    others: others.length,
    overdueRows,
    residentMb,
    megabytesPerMinute: (slopeOf(residentMb) * 60_000) / SAMPLE_EVERY_MS,
    grownMb: medianOf(residentMb.slice(-fifth)) - medianOf(residentMb.slice(0, fifth)),
    handles: { before, after },
    p99Ms,
  }
}

/** One line for people: what was measured, and the curve in `points` points. */
export function soakSummary(report: SoakReport, points = 20): string {
  const step = Math.max(1, Math.floor(report.residentMb.length / points))
  const curve = report.residentMb.filter((_, index) => index % step === 0).map((megabytes) => Math.round(megabytes))
  return (
    `${report.answered} answers, p99 ${report.p99Ms.toFixed(1)} ms, RSS ${report.megabytesPerMinute.toFixed(2)} MB/min, ` +
    `${report.grownMb.toFixed(1)} MB grown, MB: ${curve.join(' ')}`
  )
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
