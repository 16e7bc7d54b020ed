/** The last calls of a candidate on one instance. */
export type BreakerWindow = {
  readonly inARow: number
  /** One bit per call, the newest lowest; set = failed. */
  readonly last: number
  readonly calls: number
}

export const NO_CALLS: BreakerWindow = { inARow: 0, last: 0, calls: 0 }

const MOST_IN_A_ROW = 5
const LOOKED_AT = 20
const MASK = (1 << LOOKED_AT) - 1

/** The window after one more call. */
export function noteCall({ inARow, last, calls }: BreakerWindow, hasFailed: boolean): BreakerWindow {
  return {
    inARow: hasFailed ? inARow + 1 : 0,
    last: ((last << 1) | Number(hasFailed)) & MASK,
    calls: Math.min(calls + 1, LOOKED_AT),
  }
}

/** Why the candidate must go at once, without asking ClickHouse; undefined while it may stay. */
export function tripOf({ inARow, last, calls }: BreakerWindow): string | undefined {
  if (inARow >= MOST_IN_A_ROW) return `${inARow} failures in a row`
  let failed = 0
  for (let bits = last; bits !== 0; bits &= bits - 1) failed += 1
  return calls === LOOKED_AT && failed * 2 >= LOOKED_AT ? `${failed} of the last ${LOOKED_AT} calls failed` : undefined
}
