import type { LoadResult } from './load-order.ts'
import { slopeOf } from './summary.ts'

/** By then an answered request must be a row that can be queried. */
export const QUERYABLE_WITHIN_S = 30

/** A look at the product while the load runs. `second` is since the load began; `rows` those of this load. */
export type Look = {
  readonly second: number
  readonly rows: number
  readonly rssMb: number | undefined
  readonly storeRssMb: number | undefined
}

/** The most answers that were older than 30 s and not yet rows, at any look. */
export function overdueRows(answersBySecond: readonly number[], looks: readonly Look[]): number {
  const overdue = looks.map(({ second, rows }) => {
    const whole = Math.max(0, Math.floor(second - QUERYABLE_WITHIN_S))
    const due = answersBySecond.slice(0, whole).reduce((sum, answers) => sum + answers, 0)
    return due - rows
  })
  return Math.max(0, ...overdue)
}

export type Sustained = {
  readonly ratePerSecond: number
  readonly seconds: number
  readonly result: LoadResult
  readonly looks: readonly Look[]
  /** Rows of this load in the end, and how long after its last answer they were all there; undefined = never. */
  readonly rows: number
  readonly allRowsAfterMs: number | undefined
  readonly cpuPerRequestUs: number | undefined
  readonly storeCpuPerRequestUs: number | undefined
  /** What the load reaches without a proxy, and what bare Node and the product reach at most; undefined = not tried. */
  readonly reach:
    | { readonly directPerSecond: number; readonly barePerSecond: number; readonly productPerSecond: number }
    | undefined
}

/** Why a run does not show what it should; undefined when it does. The rate is no part of it: see `rateVerdict`. */
export function rowsFault({ result, rows, looks, allRowsAfterMs }: Sustained): string | undefined {
  const overdue = overdueRows(result.answersBySecond, looks)
  if (overdue > 0) return `${overdue} answers were older than ${QUERYABLE_WITHIN_S} s and not yet rows`
  if (allRowsAfterMs === undefined) {
    return `${result.answers} answers, ${rows} rows ${QUERYABLE_WITHIN_S} s after the last of them`
  }
  // A request whose answer the load has lost may well be a row.
  if (rows > result.answers + result.faults) return `${rows} rows of ${result.answers} answers`
  return undefined
}

/** Within so much of the rate asked for, it is reached: the last answers come after the end. */
const REACHED_SHARE = 0.99

/** Whether the rate was reached and, where not, who was at the end: the load or the product. */
export function rateVerdict({ ratePerSecond, seconds, result, reach }: Sustained): string {
  const answered = result.answers / seconds
  const asked = `${thousands(ratePerSecond)} requests/s for ${seconds} s`
  if (answered >= ratePerSecond * REACHED_SHARE) return `${asked}: reached`
  const got = `${asked}: not reached, ${thousands(answered)}/s answered, ${thousands(result.unsent)} never sent`
  if (reach === undefined) return got
  const { directPerSecond, barePerSecond, productPerSecond } = reach
  const ratio = (productPerSecond / barePerSecond).toFixed(2)
  const isLoadsEnd = directPerSecond < ratePerSecond * REACHED_SHARE
  const who = isLoadsEnd ? `the load alone reaches ${thousands(directPerSecond)}/s here` : 'the load alone reaches it'
  return `${got}; ${who}. At saturation ${thousands(productPerSecond)}/s, ${ratio} of bare Node's ${thousands(barePerSecond)}/s`
}

/** The curve of memory, in `points` points, and its slope over the second half, in megabytes a minute. */
export function memoryCurve(looks: readonly Look[], points = 20): string {
  const known = looks.flatMap(({ second, rssMb }) => (rssMb === undefined ? [] : [{ second, rssMb }]))
  if (known.length < 4) return 'memory: not enough looks'
  const step = Math.max(1, Math.floor(known.length / points))
  const curve = known.filter((_, index) => index % step === 0).map(({ rssMb }) => Math.round(rssMb))
  const half = known.slice(Math.floor(known.length / 2))
  const [first, last] = [half[0], half.at(-1)]
  const everySecond = first === undefined || last === undefined ? 1 : (last.second - first.second) / (half.length - 1)
  const perMinute = (slopeOf(half.map(({ rssMb }) => rssMb)) * 60) / everySecond
  return `RSS MB: ${curve.join(' ')}; ${perMinute.toFixed(2)} MB/min over the second half`
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
