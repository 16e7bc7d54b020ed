import type { Observer } from '../domain/ports.ts'

/**
 * One observer out of many. An observer that throws is a bug: it is told to `onFailure` (to count and log it) and
 * keeps neither the others from looking nor the request from ending.
 */
export function observeAll(observers: readonly Observer[], onFailure: (error: unknown) => void): Observer {
  return (exchange) => {
    for (const observe of observers) {
      try {
        observe(exchange)
      } catch (error) {
        onFailure(error)
      }
    }
  }
}
