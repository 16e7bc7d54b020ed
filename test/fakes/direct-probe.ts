import { setTimeout as sleep } from 'node:timers/promises'

/** How long the upstream takes when nothing stands between: what the machine's other work costs everybody. */
export type DirectProbe = {
  /** Milliseconds of the calls that ended within `span`, as `performance.now()` counts. */
  readonly latency: (percentile: number, span: { readonly from: number; readonly to: number }) => number
  readonly stop: () => Promise<void>
}

/** Asks the simulator at `url` one plain question after the other, until it is stopped. */
export function startDirectProbe(url: string, pauseMs: number): DirectProbe {
  const body = JSON.stringify({ model: 'sim-plain', messages: [{ role: 'user', content: 'What is 17 + 25?' }] })
  const measured: { readonly at: number; readonly durationMs: number }[] = []
  let isStopped = false
  const probe = async (): Promise<void> => {
    while (!isStopped) {
      const startedAt = performance.now()
      const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-test' }
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
      await answer.arrayBuffer()
      const at = performance.now()
      measured.push({ at, durationMs: at - startedAt })
      await sleep(pauseMs)
    }
  }
  const running = probe()
  return {
    latency: (percentile, { from, to }) => {
      const durations = measured
        .filter(({ at }) => at >= from && at < to)
        .map(({ durationMs }) => durationMs)
        .toSorted((a, b) => a - b)
      return durations[Math.min(durations.length - 1, Math.floor((durations.length * percentile) / 100))] ?? NaN
    },
    stop: () => {
      isStopped = true
      return running
    },
  }
}
