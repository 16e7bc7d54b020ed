import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from './contenders.ts'
import { WARM_UP, enterAll } from './compare.ts'
import { CROWD, counted, measure, share, untilQuiet, usage } from './measure.ts'
import { OPEN_CONNECTIONS } from './rates.ts'
import type { Outcome } from './report.ts'
import type { Stage, Standing } from './stage.ts'
import { storedRows } from './stored-rows.ts'
import {
  memoryCurve,
  overdueRows,
  QUERYABLE_WITHIN_S,
  rateVerdict,
  rowsFault,
  type Look,
  type Sustained,
} from './sustained.ts'
import { figure } from './table.ts'

const REACH_SECONDS = 5
/** So many looks at memory and rows, but no more than one a second. */
const LOOKS = 60
const POLL_MS = 250

export type SustainOrder = { readonly ratePerSecond: number; readonly seconds: number; readonly isSoak: boolean }

/**
 * One proxy under constant arrivals for a time, content off: is the rate reached, what does it cost, does memory stay,
 * and is every answer a row in time? Before it, unless it is a soak, what the load and bare Node reach at most.
 */
export async function sustain(stage: Stage, contenders: readonly Contender[], order: SustainOrder): Promise<Outcome> {
  const { ratePerSecond, seconds, isSoak } = order
  const standing = await enterAll(stage, contenders, async (one) => void (await measure(stage, one, WARM_UP)))
  const [direct, bare, product] = standing
  if (direct === undefined || bare === undefined || product === undefined) throw new Error('somebody could not start')
  const reach = isSoak ? undefined : await reachOf(stage, direct, bare, product, ratePerSecond)

  const before = await settledRows(product)
  const looks: Look[] = []
  const over = new AbortController()
  const looking = lookEvery(product, before, Math.max(1, seconds / LOOKS), over.signal, looks)
  const used = await counted(product, async () => {
    const load = { kind: 'plain', paceMs: 0, connections: OPEN_CONNECTIONS, seconds, ratePerSecond } as const
    const seen = await stage.load(product, load).finally(() => over.abort())
    return { seen, ...(await untilRows(product, before, seen.answers)) }
  })
  await looking
  const { seen: result, rows, afterMs } = used.result
  const sustained: Sustained = {
    ratePerSecond,
    seconds,
    result,
    looks,
    rows,
    allRowsAfterMs: afterMs,
    cpuPerRequestUs: share(used.cpuMs, result.answers),
    storeCpuPerRequestUs: share(used.storeCpuMs, result.answers),
    reach,
  }
  const { name } = product.contender
  return {
    text: describe(name, sustained),
    faults: [{ name, faults: result.faults, firstFault: result.firstFault }],
    failure: rowsFault(sustained),
    json: { ...sustained, overdueRows: overdueRows(result.answersBySecond, looks) },
  }
}

function describe(name: string, sustained: Sustained): string {
  const { result, rows, allRowsAfterMs, cpuPerRequestUs, storeCpuPerRequestUs, looks } = sustained
  const times = [result.p50Ms, result.p99Ms, result.p999Ms, result.maxMs].map((ms) => figure(ms, 2)).join(' / ')
  const after = allRowsAfterMs === undefined ? 'never' : `${(allRowsAfterMs / 1000).toFixed(1)} s after the load`
  return [
    `${name}: ${rateVerdict(sustained)}.`,
    `ms from due, p50 / p99 / p99.9 / max: ${times}; CPU µs/request: ${figure(cpuPerRequestUs, 1)}, ClickHouse ${figure(storeCpuPerRequestUs, 1)}; faults: ${result.faults}.`,
    `Rows: ${rows} of ${result.answers} answers, all there ${after}; older than ${QUERYABLE_WITHIN_S} s and missing at any look: ${overdueRows(result.answersBySecond, looks)}.`,
    memoryCurve(looks),
  ].join('\n')
}

async function reachOf(
  stage: Stage,
  direct: Standing,
  bare: Standing,
  product: Standing,
  ratePerSecond: number,
): Promise<NonNullable<Sustained['reach']>> {
  const perSecond = async (one: Standing, rate: number | undefined): Promise<number> => {
    const load = { kind: 'plain', paceMs: 0, connections: CROWD, seconds: REACH_SECONDS } as const
    const { answers } = await stage.load(one, rate === undefined ? load : { ...load, ratePerSecond: rate })
    await untilQuiet(one)
    return answers / REACH_SECONDS
  }
  return {
    directPerSecond: await perSecond(direct, ratePerSecond),
    barePerSecond: await perSecond(bare, undefined),
    productPerSecond: await perSecond(product, undefined),
  }
}

/** Adds a look every `everySeconds` until `signal`. */
async function lookEvery(
  product: Standing,
  before: number,
  everySeconds: number,
  signal: AbortSignal,
  looks: Look[],
): Promise<void> {
  const from = performance.now()
  for (;;) {
    await sleep(everySeconds * 1000, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    // The moment before the query is asked: what comes in meanwhile must not be missed.
    const second = (performance.now() - from) / 1000
    const rows = (await storedRows(product)) - before
    const used = usage(product)
    looks.push({ second, rows, rssMb: used?.rssMb, storeRssMb: used?.storeRssMb })
  }
}

/** The number of rows once it no longer grows. */
async function settledRows(product: Standing): Promise<number> {
  let last = await storedRows(product)
  for (let waited = 0; waited < QUERYABLE_WITHIN_S; waited += 2) {
    await sleep(2000)
    const now = await storedRows(product)
    if (now === last) return now
    last = now
  }
  throw new Error('rows of the warm-up are still coming in')
}

/** Waits for as many rows as answers; `afterMs` is how long that took, undefined when they have not come in time. */
async function untilRows(
  product: Standing,
  before: number,
  answers: number,
): Promise<{ readonly rows: number; readonly afterMs: number | undefined }> {
  const from = performance.now()
  for (;;) {
    const askedAt = performance.now() - from
    const rows = (await storedRows(product)) - before
    if (rows >= answers) return { rows, afterMs: askedAt }
    if (askedAt > QUERYABLE_WITHIN_S * 1000) return { rows, afterMs: undefined }
    await sleep(POLL_MS)
  }
}
