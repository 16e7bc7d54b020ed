import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { freePort } from '../fakes/proxy-process.ts'
import { startCli } from '../fakes/run-cli.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WALK = 'config/examples/first-hour.md'
const POLICY = 'config/examples/first-hour.yaml'
const PATIENCE_MS = 600_000

it('the first hour goes as it is written, from the first request to the saving', { timeout: PATIENCE_MS }, async () => {
  // A clone, but for the ports: a first hour leaves a file behind.
  const dir = mkdtempSync(join(tmpdir(), 'understudy-first-hour-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  for (const name of ['package.json', 'node_modules', 'src']) symlinkSync(join(ROOT, name), join(dir, name))
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const port = await freePort()
  mkdirSync(join(dir, 'config/examples'), { recursive: true })
  const policy = readFileSync(join(ROOT, POLICY), 'utf8')
  const places = `listen: 127.0.0.1:${port}\nadmin: { listen: '127.0.0.1:0' }\n`
  writeFileSync(join(dir, POLICY), places + policy.replace('http://127.0.0.1:8790', simulator.url))

  const proxy = startCli(['serve', '--config', POLICY], { cwd: dir })
  onTestFinished(async () => {
    const ended = once(proxy, 'close')
    proxy.kill('SIGTERM')
    await ended
  })
  if (proxy.stdout === null) throw new Error('no pipe')
  const lines = createInterface({ input: proxy.stdout })
  for await (const line of lines) if (line.includes('ready: ClickHouse at')) break
  proxy.stdout.resume()
  proxy.stderr?.resume()

  const blocks = [...readFileSync(join(ROOT, WALK), 'utf8').matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block)
  // The first starts the simulator and the proxy in terminals of their own.
  const script = blocks.slice(1).join('').replace('127.0.0.1:8787', `127.0.0.1:${port}`)
  const said = await run('bash', ['-e', '-c', script], dir)
  expect(said).toMatchObject({ code: 0 })
  expect(said.stdout).toMatch(/sim-worthy is not worse than gpt-4o by more than 0\.05/)
  expect(said.stdout).toMatch(/│ succeeded +│ baking +│ succeeded/)
  expect(said.stdout).toMatch(/Savings: [2-9]\d\.\d % /)
})

function run(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { PATH = '', HOME = cwd } = process.env
  const env = { PATH, HOME, USER: 'ada', npm_config_offline: 'true' }
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, timeout: PATIENCE_MS }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}
