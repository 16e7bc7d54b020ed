import { expect, it, onTestFinished } from 'vitest'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { startRoutedRun } from '../fakes/routed-run.ts'
import { runCli } from '../fakes/run-cli.ts'

const TRACES = 10_000
const ROUNDS = 10

it('ten thousand stored traces of two proxies are decided alike again, through ten changes of weights', async () => {
  const engine = await startTestEngine()
  onTestFinished(() => engine.close())
  const run = await startRoutedRun(engine, 'long')
  onTestFinished(() => run.close())
  // Of a mixed run every seventh request or so is on the default route, whose decision is not kept.
  const perRound = Math.ceil((TRACES * 1.6) / ROUNDS)
  for (let round = 1; round <= ROUNDS; round++) {
    await Promise.all([run.sendMixed(perRound), run.setShare(round * 5)])
  }
  await run.drained()
  const [stored] = await run.rows<{ n: number; policies: number; revisions: number }>(`
    SELECT countIf(decision_inputs != '') AS n, uniqExact(policy_version) AS policies,
      uniqExactIf(overlay_revision, overlay_revision != '') AS revisions FROM traces`)
  expect(stored?.n).toBeGreaterThanOrEqual(TRACES)
  expect(stored?.policies).toBe(2)
  expect(stored?.revisions).toBeGreaterThanOrEqual(ROUNDS)
  const startedAt = performance.now()
  const replayed = await runCli(['replay', '-c', run.homes[0]?.configFile ?? '', '--limit', '1000000'], {
    environment: { SIMULATED_KEY: 'another' },
  })
  console.log(`${replayed.stdout.trim()} ${Math.round(performance.now() - startedAt)} ms`)
  expect(replayed).toMatchObject({ code: 0, stderr: '' })
  expect(replayed.stdout.trim()).toBe(`${stored?.n} traces decided again: ${stored?.n} agree (100.00 %).`)
})
