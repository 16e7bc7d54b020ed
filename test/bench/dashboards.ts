import { parseArgs } from 'node:util'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { insertMonth, timePanels } from './panel-times.ts'

/**
 * How long every panel of every dashboard takes over 24 hours of 30 days of generated traffic, in an embedded engine with
 * two threads: `npm run bench:dashboards [-- --requests 10000000]`. Exit code 1 when the median of a panel's five runs
 * is longer than it may be.
 */
const { values } = parseArgs({ options: { requests: { type: 'string', default: '10000000' } } })
const MOST_MS = 300

const engine = await startTestEngine()
try {
  const client = await engine.migrated()
  const started = Date.now()
  const end = await insertMonth(client, Number(values.requests))
  console.log(`${values.requests} requests made in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  const times = await timePanels(client, end)
  console.log('median ms  least ms  panel')
  for (const { panel, leastMs, medianMs } of times.toSorted((one, other) => other.medianMs - one.medianMs)) {
    console.log(`${medianMs.toFixed(0).padStart(9)} ${leastMs.toFixed(0).padStart(9)}  ${panel}`)
  }
  const slow = times.filter(({ medianMs }) => medianMs > MOST_MS)
  console.log(`${times.length - slow.length} of ${times.length} panels within ${MOST_MS} ms`)
  if (slow.length > 0) process.exitCode = 1
} finally {
  await engine.close()
}
