import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { aProxyHome, settingsFor, type ProxyProcess } from '../fakes/proxy-process.ts'

const KB = 1024
/** Code that is compiled at last, tables that fill: 0.7 MB was seen. A leak of half a kilobyte per answer is more. */
const MOST_BYTES = { ever: 2_000_000, perAnswer: 200 }
const TELL_HEAP = new URL('../fakes/tell-heap.ts', import.meta.url).href
/** Until caches, windows and compiled code are what they will be. */
const WARM_UP_MS = 15_000
const SAMPLES = 3
const SAMPLE_MS = 15_000
/** About 200 a second: what counts is how many there are, and others want the machine as well. */
const LOAD = { clients: 12, calls: MIXED_CALLS, pauseMs: 50 }

it('a minute of mixed calls leaves nothing behind in the heap', async ({ annotate }) => {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const dir = mkdtempSync(join(tmpdir(), 'understudy-heap-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'heap')
  const environment = { NODE_OPTIONS: `--import ${TELL_HEAP}`, HEAP_FILE: file }
  const home = await aProxyHome(settingsFor(simulator.url), { environment })
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()

  let answers = 0
  /** Bytes that live after so much load, once nothing is under way and every row is stored. */
  const restAfter = async (ms: number): Promise<number> => {
    const loop = startClosedLoop(home.port, LOAD)
    onTestFinished(() => loop.stop())
    await sleep(ms)
    await loop.stop()
    expect(loop.failures).toEqual([])
    answers += loop.ledger.size
    await proxy.drained()
    return liveBytes(proxy, file)
  }
  const before = await restAfter(WARM_UP_MS)
  answers = 0
  const after: number[] = []
  for (let sample = 0; sample < SAMPLES; sample++) after.push(await restAfter(SAMPLE_MS))
  const kilobytes = [before, ...after].map((bytes) => Math.round(bytes / KB))
  await annotate(`${answers} answers, KB that live: ${kilobytes.join(' ')}`)
  expect(answers).toBeGreaterThan(1_000)
  // The less of the last two: what is kept for good is in both.
  expect(Math.min(...after.slice(-2)) - before).toBeLessThan(MOST_BYTES.ever + MOST_BYTES.perAnswer * answers)
})

/** How much lives in the process after its garbage is collected. */
async function liveBytes(proxy: ProxyProcess, file: string): Promise<number> {
  rmSync(file, { force: true })
  proxy.signal('SIGUSR2')
  for (;;) {
    try {
      return Number(readFileSync(file, 'utf8'))
    } catch {
      await sleep(20) // not there yet
    }
  }
}
