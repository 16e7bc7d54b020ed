import type { Log } from '../domain/ports.ts'
import type { Spend } from '../domain/spend-budget.ts'
import type { PicoUsd } from '../domain/units.ts'
import type { Store } from '../store/store.ts'

const SPENT = `SELECT
  toString(toInt64(ifNull(sumIf(cost_usd, started_at >= toStartOfHour(now())), 0) * 1e12)),
  toString(toInt64(ifNull(sum(cost_usd), 0) * 1e12))
FROM attempts WHERE role = 'judge' AND started_at >= toStartOfDay(now())`

/** Tells `add` once, when the store is ready, what the judge cost before this process began. Nothing waits for it. */
export function restoreJudgeSpend(
  store: Pick<Store, 'status' | 'subscribe' | 'query'>,
  isWanted: () => boolean,
  add: (spent: Spend) => void,
  log: Log,
): void {
  let isAsked = false
  const ask = async (): Promise<void> => {
    const read = await store.query(SPENT, 1, AbortSignal.timeout(5_000))
    if (read.kind !== 'ok') return log.warn('judge_spend_unknown', { detail: read.detail })
    const [hour, day] = read.rows[0] ?? []
    add({ hour: picoUsd(hour), day: picoUsd(day) })
  }
  const look = (): void => {
    if (isAsked || !isWanted() || store.status().kind !== 'ready') return
    isAsked = true
    ask().catch((error: unknown) => log.error('judge_spend_unknown', { bug: error }))
  }
  store.subscribe(look)
  look()
}

function picoUsd(cell: unknown): PicoUsd {
  return typeof cell === 'string' && /^\d{1,18}$/.test(cell) ? BigInt(cell) : 0n
}
