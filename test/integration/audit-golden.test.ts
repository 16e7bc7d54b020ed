import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { startApp, type TestApp } from '../fakes/an-app.ts'
import { aDirectory } from '../fakes/a-spool.ts'
import { runCli } from '../fakes/run-cli.ts'

let simulator: Simulator
let app: TestApp
beforeAll(async () => {
  simulator = await startSimulator({ models: [aModel('right', { quality: 1 }), aModel('wrong', { quality: 0 })] })
  app = await startApp({
    providers: { sim: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-1' } },
    prices: [{ model: '*', input: 1, output: 2 }],
    routes: {
      good: { match: { model: 'good' }, target: 'sim/right' },
      bad: { match: { model: 'bad' }, target: 'sim/wrong' },
    },
    quality: { minimum: { math: 0.8 } },
  })
})
afterAll(async () => {
  await app?.close()
  await simulator?.close()
})

test('audit golden shows each route, goes on where it ended, and fails below the minimum', async () => {
  const file = join(aDirectory(), 'golden.jsonl')
  const questions = Array.from({ length: 10 }, (_, each) =>
    JSON.stringify({ id: `q${each}`, prompt: `What is ${each} + 3?`, expected: String(each + 3), task: 'math' }),
  )
  writeFileSync(file, questions.join('\n'))
  const audit = (...more: string[]) =>
    runCli(['audit', 'golden', file, '-c', app.configFile, '--url', app.url, ...more])
  simulator.forgetRequests()
  const first = await audit('--budget', '0.0002')
  expect(first.stderr).toContain('the budget is spent')
  expect(first.code).toBe(1)
  const asked = simulator.requests().length
  expect(asked).toBeLessThan(20)
  const second = await audit()
  expect(simulator.requests().length).toBe(20)
  expect(second.stdout).toMatch(/bad +│ math +│ 10 +│ 0 +│ 0\.000 \[0\.000, 0\.278\] +│ 0\.8 +│ below/)
  expect(second.stdout).toMatch(/good +│ math +│ 10 +│ 0 +│ 1\.000 \[0\.722, 1\.000\] +│ 0\.8 +│ +│/)
  expect(second.code).toBe(1)
})
