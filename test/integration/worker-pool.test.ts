import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { forkWorker } from '../../src/workers/fork-worker.ts'
import { createWorkerPool } from '../../src/workers/worker-pool.ts'
import type { WorkerPool, WorkerPoolOptions } from '../../src/workers/worker-pool.ts'
import { realWorld } from '../fakes/proxy.ts'
import { until } from '../fakes/workers.ts'

type Logged = { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }

it('reports a worker that never comes to serve, kills it and tries again', async () => {
  const { pool, logged } = aPool('says-nothing', { readyMs: 300, firstBackoffMs: 20 })
  await expect(pool.start()).rejects.toThrow('none of 1 workers came to serve within 0.3 seconds')
  await until('it was given up twice', () => eventsOf(logged, 'worker_not_ready').length === 2)
  expect(eventsOf(logged, 'worker_died')[0]).toMatchObject({ worker: 1, how: 'SIGKILL', restartInMs: 20 })
  expect(pool.counts()).toMatchObject({ wanted: 1, serving: 0 })
})

it('kills a worker that hangs, passes on its whole lines and says what was cut', async () => {
  const { pool, logged, lines } = aPool('hangs', { silentMs: 300, firstBackoffMs: 60_000 })
  expect(await pool.start()).toEqual({ host: '127.0.0.1', port: 1 })
  await until('it was given up', () => eventsOf(logged, 'worker_died').length === 1)
  expect(eventsOf(logged, 'worker_hung')).toMatchObject([{ worker: 1, afterMs: 300 }])
  await until('its output has ended', () => eventsOf(logged, 'worker_line_cut').length === 1)
  expect(lines).toEqual(['{"event":"whole"}\n'])
  expect(eventsOf(logged, 'worker_line_cut')).toEqual([{ worker: 1, line: '{"event":"cu' }])
})

it('waits longer before each restart of a worker that keeps ending', async () => {
  const { logged, pool } = aPool('ends', { readyMs: 2_000, firstBackoffMs: 5 })
  pool.start().catch(() => undefined)
  await until('it has ended four times', () => eventsOf(logged, 'worker_died').length >= 4)
  const died = eventsOf(logged, 'worker_died')
  expect(died.slice(0, 4).map(({ restartInMs }) => restartInMs)).toEqual([5, 10, 20, 40])
  expect(died[0]).toMatchObject({ how: 'exit code 3' })
})

it('hands on what a worker tells of its work', async () => {
  const heard: string[] = []
  const { pool } = aPool('works', { onMessage: (worker, { kind }) => void heard.push(`${worker}: ${kind}`) })
  await pool.start()
  await until('all is heard', () => heard.length === 3)
  expect(heard).toEqual(['1: store_doubt', '1: rollout_trip', '1: slot_return'])
})

function aPool(
  fixture: string,
  changes: Partial<WorkerPoolOptions>,
): { readonly pool: WorkerPool; readonly logged: readonly Logged[]; readonly lines: readonly string[] } {
  const logged: Logged[] = []
  const lines: string[] = []
  const at = (event: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    void logged.push({ event, fields })
  const main = fileURLToPath(new URL(`../fixtures/workers/${fixture}.ts`, import.meta.url))
  const pool = createWorkerPool({
    count: 1,
    fork: (events) => forkWorker(main, events),
    startOf: () => {
      throw new Error('none of these asks how to start')
    },
    onMessage: () => undefined,
    onGone: () => undefined,
    writeLog: (some) => void lines.push(some),
    world: realWorld,
    log: { info: at, warn: at, error: at },
    ...changes,
  })
  onTestFinished(async () => {
    await pool.stop(0, 100)
  })
  return { pool, logged, lines }
}

function eventsOf(logged: readonly Logged[], event: string): readonly Readonly<Record<string, unknown>>[] {
  return logged.filter((line) => line.event === event).map(({ fields }) => fields)
}
