import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late timers come, over a time of one's own: the library's histogram begins anew at every scrape. */
export type EventLoopDelay = {
  /** 99th percentile since `restart`; 0 while nothing was measured. */
  readonly p99Seconds: () => number
  readonly restart: () => void
}

/** A look ten times a second wakes nobody; of half a minute there are 300. */
const RESOLUTION_MS = 100

export function watchEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return {
    // What Node measures is the time from one look to the next.
    p99Seconds: () => (histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS) / 1000),
    restart: () => histogram.reset(),
  }
}
