import { execFile } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatFault } from '../../src/config/fault.ts'
import { parseConfig } from '../../src/config/load.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import type { Simulator } from '../../src/simulator/start-simulator.ts'
import { freePort } from '../fakes/proxy-process.ts'
import { oldNode, startCli } from '../fakes/run-cli.ts'
import type { CliRun } from '../fakes/run-cli.ts'

// What the README promises to someone who has just cloned the repository, read out of the README itself.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const PATIENCE_MS = 60_000

let dir: string
let file: string
let port: number
let simulator: Simulator
let proxy: ChildProcess
const said: string[] = []

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-first-'))
  simulator = await startSimulator()
  port = await freePort()
  // The config that the README names, on ports and in a directory that are surely free.
  const text = readFileSync(join(ROOT, 'config/simulator.yaml'), 'utf8')
    .replace('127.0.0.1:8787', `127.0.0.1:${port}`)
    .replace('127.0.0.1:8788', '127.0.0.1:0')
    .replaceAll('http://127.0.0.1:8790', simulator.url)
    .replace('data_dir: .understudy', `data_dir: ${join(dir, 'data')}`)
  file = join(dir, 'simulator.yaml')
  writeFileSync(file, text)
  proxy = startCli(['serve', '--config', file], { node: oldNode() })
  if (proxy.stdout === null) throw new Error('no pipe')
  createInterface({ input: proxy.stdout }).on('line', (line) => said.push(line))
  await until('the store is ready', () => said.some((line) => line.includes('ready: ClickHouse at')))
})
afterAll(async () => {
  const ended = once(proxy, 'close')
  proxy.kill('SIGTERM')
  await ended
  await simulator.close()
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
})

describe('the README', () => {
  it('has a script of five lines that gets its answer through the proxy, and commands that show its row', async () => {
    const script = codeAfter('five lines', 'js')
    expect(script.trim().split('\n').length).toBeLessThanOrEqual(5)
    expect(script).toContain('http://127.0.0.1:8787')
    const moved = script.replace('127.0.0.1:8787', `127.0.0.1:${port}`)
    const answer = await run(process.execPath, ['--input-type=module', '-e', moved])
    expect(answer).toMatchObject({ code: 0, stderr: '' })
    expect(answer.stdout.trim()).not.toBe('')

    const [traces, summary] = ['npx understudy traces', 'npx understudy summary']
    expect(README).toContain(`Its row, a second later, and the totals per model: \`${traces}\`, \`${summary}\`.`)
    let table = await npx(traces)
    const deadline = performance.now() + PATIENCE_MS
    while (!table.stdout.includes('gpt-4o-mini') && performance.now() < deadline) {
      await sleep(100)
      table = await npx(traces)
    }
    expect(table.stdout).toMatch(
      /│ chat_completions │ gpt-4o-mini-2024-07-18 │ 200 +│ completed │ \d+ +│ \d+ +│ 0\.0\d+ +│/,
    )
    expect((await npx(summary)).stdout).toMatch(/│ openai +│ gpt-4o-mini +│ +1 │ +0 │/)
  })

  it('shows a config that is good', () => {
    const keys = { OPENAI_API_KEY: 'sk-1', GROQ_API_KEY: 'gsk-2' }
    const result = parseConfig(codeAfter('## Configure it', 'yaml'), 'README.md', keys, dir)
    expect('faults' in result ? result.faults.map(formatFault) : []).toEqual([])
  })

  it('names only npm scripts that exist', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    )
    const named = [...README.matchAll(/npm (?:run )?([a-z:]+)\b/g)].map(([, name]) => name)
    const builtIn = ['ci', 'install', 'run']
    expect(named.filter((name) => name === undefined || !(name in scripts || builtIn.includes(name)))).toEqual([])
  })
})

it('the banner says where to point the SDK, where the data is, and what is on and off', async () => {
  const version: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const plain = said
    .join('\n')
    .replaceAll(String(port), '<port>')
    .replaceAll(simulator.url, '<simulator>')
    .replaceAll(dir, '<dir>')
    .replace(version.version, '<version>')
    .replace(/(Admin +http:\/\/127\.0\.0\.1):\d+/, '$1:<admin>')
    .replace(/(ClickHouse at http:\/\/127\.0\.0\.1):\d+/, '$1:<store>')
  expect(plain).toMatchInlineSnapshot(`
    "Understudy <version>, config <dir>/simulator.yaml

    Point your SDK here; nothing else changes:
      openai       baseURL http://127.0.0.1:<port>/openai/v1  → <simulator>
      anthropic    baseURL http://127.0.0.1:<port>/anthropic  → <simulator>
      gemini       baseURL http://127.0.0.1:<port>/gemini  → <simulator>

      Admin        http://127.0.0.1:<admin>  (/healthz /readyz /metrics /admin/traces /admin/summary /admin/policy)
      Access       no admin token: this machine only
      Data         <dir>/data
      Store        starting; calls are served and spooled meanwhile
      Traces kept  90 days
      Content      prompts and answers are not stored
      Off          routes, shadows, rollouts, judge, evaluators, feedback, audits (config/understudy.example.yaml has each)
      Spans        off: set OTEL_EXPORTER_OTLP_ENDPOINT to export them to a collector
      Keys         clients bring their own; none is kept here (set providers.<name>.api_key to use the server's)
      See rows     npx understudy traces -c <dir>/simulator.yaml    (or summary)

      Store        ready: ClickHouse at http://127.0.0.1:<store>, database understudy, read-only user ro, password in <dir>/data/clickhouse-ro-password"
  `)
})

/** The first block of this language after the words. */
function codeAfter(words: string, language: string): string {
  const from = README.indexOf(words)
  expect(from, `README.md has no "${words}"`).toBeGreaterThan(-1)
  const block = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(README.slice(from))?.[1]
  if (block === undefined) throw new Error(`README.md has no block of ${language} after "${words}"`)
  return block
}

/** Runs a line of the README as it stands; npm must find the command here and not look for it elsewhere. */
function npx(line: string): Promise<CliRun> {
  return run('sh', ['-c', line], { UNDERSTUDY_CONFIG: file, npm_config_offline: 'true' })
}

function run(command: string, args: readonly string[], environment: Record<string, string> = {}): Promise<CliRun> {
  const { PATH = '', HOME = dir } = process.env
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd: ROOT, env: { PATH, HOME, ...environment }, timeout: PATIENCE_MS },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited too long until ${what}: ${said.join('\n')}`)
    await sleep(50)
  }
}
