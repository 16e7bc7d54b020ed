import type { Rates } from '../domain/cost.ts'

/** `rates` with `change` applied to each rate that is known. */
export function mapRates(rates: Rates, change: (rate: number) => number | undefined): Rates {
  const changed = (rate: number | undefined): number | undefined => (rate === undefined ? undefined : change(rate))
  return {
    uncachedInput: changed(rates.uncachedInput),
    cacheRead: changed(rates.cacheRead),
    cacheWrite5m: changed(rates.cacheWrite5m),
    cacheWrite1h: changed(rates.cacheWrite1h),
    audioInput: changed(rates.audioInput),
    textOutput: changed(rates.textOutput),
    reasoning: changed(rates.reasoning),
    audioOutput: changed(rates.audioOutput),
    webSearch: changed(rates.webSearch),
  }
}
