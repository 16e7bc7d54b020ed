import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AuditPolicy, AuditStatus } from '../../src/domain/audit.ts'
import { type AuditKeeper, createAuditKeeper } from '../../src/evaluate/audit/audit-keeper.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { openAuditRecords } from '../../src/store/audit-records.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { A_PRICE } from '../fakes/a-shadow.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { startProxy, type TestProxy } from '../fakes/proxy.ts'
import { realWorld } from '../fakes/real-world.ts'
import { silentLog } from '../fakes/silent-log.ts'

const QUESTIONS = 30

let engine: TestEngine
let client: StoreClient
let simulator: Simulator
let proxy: TestProxy
beforeAll(async () => {
  engine = await startTestEngine()
  client = await engine.migrated()
  simulator = await startSimulator({ models: [aModel('right', { quality: 1, firstByteMs: 50 })] })
  proxy = await startProxy(simulator.url, { provider: { apiKey: 'sk-1', auth: 'bearer' } })
})
afterAll(async () => {
  await proxy?.close()
  await simulator?.close()
  await engine?.close()
})

const questions = Array.from({ length: QUESTIONS }, (_, each) =>
  JSON.stringify({ id: `q${each}`, prompt: `What is ${each} + 3?`, expected: String(each + 3), task: 'math' }),
).join('\n')

/** A proxy's keeper of one audit; `now` sets its clock. */
function aKeeper(audit: Partial<AuditPolicy> & { readonly name: string }, now = realWorld.now): AuditKeeper {
  const { policy } = aRoutingState('routes:\n  chat: { target: openai/right }\n')
  const records = openAuditRecords(() => client)
  const holder = realWorld.newId()
  const keeper = createAuditKeeper({
    policy: () => ({
      ...policy,
      audits: [
        {
          questionsFile: 'golden.jsonl',
          everyMs: 3_600_000,
          budget: 10n ** 12n,
          minimum: 0.5,
          routes: undefined,
          key: undefined,
          maxConcurrent: 1,
          ...audit,
        },
      ],
    }),
    policyVersion: () => 'abc',
    url: () => proxy.url,
    records: {
      isReady: () => true,
      lastRun: records.lastRun,
      answersOf: records.answersOf,
      keepAnswers: (run, answers) => records.keepAnswers(run, answers, 'test'),
      keepRun: (run) => records.keepRun(run, 'test'),
      alone: (name, work) => records.alone(name, holder, work),
    },
    price: createPriceBook({ ...policy, prices: [A_PRICE] }).price,
    readFile: async () => questions,
    world: { ...realWorld, now },
    log: silentLog,
  })
  onTestFinished(keeper.close)
  return keeper
}

async function until(keeper: AuditKeeper, isSo: (status: AuditStatus) => boolean): Promise<AuditStatus> {
  for (;;) {
    const [status] = keeper.status()
    if (status !== undefined && isSo(status)) return status
    await sleep(10)
  }
}

test('of several proxies one asks, and what one leaves behind the next goes on with', async () => {
  simulator.forgetRequests()
  const first = aKeeper({ name: 'shared' })
  await until(first, ({ state, asked }) => state === 'running' && asked >= 10)
  const second = aKeeper({ name: 'shared' })
  await until(second, ({ state }) => state === 'elsewhere')
  await first.close()
  const left = first.status()[0]
  expect(left).toMatchObject({ state: 'stuck', detail: 'It was interrupted; what was answered is kept.' })
  expect(left?.asked).toBeLessThan(2 * QUESTIONS)

  const third = aKeeper({ name: 'shared' })
  const { last } = await until(third, (status) => status.last !== undefined)
  expect(last).toMatchObject({ ending: 'complete', questionSet: expect.stringMatching(/^[\da-f]{16}$/) })
  expect(last?.cells.map(({ path, answered, mean, isPassed }) => [path, answered, mean, isPassed])).toEqual([
    ['chat', QUESTIONS, 1, true],
    ['openai/right', QUESTIONS, 1, true],
  ])
  // One question may have been under way when the first was closed.
  expect(simulator.requests().length).toBeLessThanOrEqual(2 * QUESTIONS + 1)
})

test('a run whose money is spent has not passed, and is not begun again before the next is due', async () => {
  let now = Date.UTC(2030, 0, 1, 12, 30)
  const keeper = aKeeper({ name: 'poor', budget: 500_000_000n }, () => now)
  const { last, totals, nextAt } = await until(keeper, (status) => status.last !== undefined)
  expect(last).toMatchObject({ ending: 'budget', run: '2030-01-01T12:00:00.000Z' })
  expect(totals.picoUsd).toBeGreaterThan(400_000_000n)
  expect(totals.picoUsd).toBeLessThan(700_000_000n)
  expect(nextAt).toBe(Date.UTC(2030, 0, 1, 13))
  const asked = simulator.requests().length
  await sleep(1_500)
  expect(simulator.requests().length).toBe(asked)
  now = nextAt
  await until(keeper, (status) => status.last?.run === '2030-01-01T13:00:00.000Z')
})
