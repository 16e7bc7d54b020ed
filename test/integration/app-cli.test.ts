import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aNamedOrigin } from '../fakes/named-origin.ts'
import type { NamedOrigin } from '../fakes/named-origin.ts'
import { aProxyHome, freePort, settingsFor } from '../fakes/proxy-process.ts'
import type { ProxyHome, ProxyProcess } from '../fakes/proxy-process.ts'
import { oldNode, pinnedNode, runCli, startCli } from '../fakes/run-cli.ts'
import type { CliRun } from '../fakes/run-cli.ts'

const COMMANDS =
  'serve check migrate traces summary scores audit judge shadow query trace targets weights replay erase route rollups simulator demo schema'.split(
    ' ',
  )
const SCHEMA_FILE = fileURLToPath(new URL('../../config/understudy.schema.json', import.meta.url))
const PROVIDERS = { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9' } }
const BAD_CONFIG = `listen: 127.0.0.1:99999
providers:
  openai:
    dialect: openia
    base_url: https://api.openai.com
    headrs: {}
`

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-cli-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe.each([
  ["the machine's old Node", oldNode()],
  ['the pinned Node', pinnedNode],
])('the command line on %s', (_name, node) => {
  it('--help names every command', async () => {
    const { code, stdout, stderr } = await runCli(['--help'], { node })
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('check says what a good config means, and lists every fault of a bad one with its place', async () => {
    const good = configFile('good.yaml', { providers: PROVIDERS, store: 'none' })
    expect(await runCli(['check', '-c', good], { node })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/good\.yaml is good: policy [\da-f]{16}\n.*provider {4}openai/s),
      stderr: '',
    })
    const bad = join(dir, 'bad.yaml')
    writeFileSync(bad, BAD_CONFIG)
    const { code, stdout, stderr } = await runCli(['check', '-c', bad], { node })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.replaceAll(dir, '.').split('\n')).toEqual([
      expect.stringMatching(/^\.\/bad\.yaml:1:9 listen: expected an address and a port/),
      './bad.yaml:4:14 providers.openai.dialect: expected one of openai, anthropic, gemini, found "openia"',
      expect.stringMatching(/^\.\/bad\.yaml:6:5 providers\.openai\.headrs: .*Did you mean "headers"/),
      './bad.yaml has 3 faults; nothing was applied.',
      '',
    ])
  })
})

describe('the command line', () => {
  it.each([
    ['an unknown command', ['sevre'], /unknown command 'sevre'.*Did you mean serve/s],
    ['an unknown option', ['traces', '--limmit', '3'], /unknown option '--limmit'.*Did you mean --limit/s],
    ['a number that is none', ['summary', '-m', 'ten'], /'-m, --minutes <minutes>' argument 'ten' is invalid/],
    ['an argument too many', ['check', 'x.yaml'], /too many arguments/],
  ])('refuses %s, says so, and shows what there is', async (_what, args, said) => {
    const { code, stdout, stderr } = await runCli(args)
    expect(stderr).toMatch(said)
    expect(stderr).toContain('Usage: understudy')
    expect(stdout).toBe('')
    expect(code).not.toBe(0)
  })

  it('schema writes the file that is committed', async () => {
    const committed = readFileSync(SCHEMA_FILE, 'utf8')
    expect(await runCli(['schema'])).toMatchObject({ code: 0, stdout: 'wrote config/understudy.schema.json\n' })
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(committed)
  })

  it.each(['serve', 'traces'])('%s starts nothing on a faulty config, and lists the faults', async (command) => {
    const bad = join(dir, 'faulty.yaml')
    writeFileSync(bad, BAD_CONFIG)
    const { code, stdout, stderr } = await runCli([command, '-c', bad])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(
      `${bad}:4:14 providers.openai.dialect: expected one of openai, anthropic, gemini, found "openia"`,
    )
    expect(stderr).toContain('nothing was started')
  })

  it('serve says that there is no such config file', async () => {
    const { code, stderr } = await runCli(['serve', '-c', join(dir, 'nowhere.yaml')])
    expect(stderr).toContain('nowhere.yaml:1:1 expected a file that can be read, found that there is none')
    expect(code).toBe(1)
  })

  it.each([
    ['data port', 'listen'],
    ['admin port', 'admin.listen'],
  ])('serve with a taken %s names it and the key to change, and ends', async (name, key) => {
    const holder = await listening()
    const taken = portOf(holder)
    const free = await freePort()
    const ports = key === 'listen' ? [taken, free] : [free, taken]
    const file = configFile('taken.yaml', {
      listen: `127.0.0.1:${ports[0]}`,
      admin: { listen: `127.0.0.1:${ports[1]}` },
      data_dir: join(dir, 'taken'),
      providers: PROVIDERS,
    })
    const { code, stderr } = await runCli(['serve', '-c', file])
    holder.close()
    const reason = `another process holds it; stop that or set ${key} to another port`
    expect(stderr).toContain(`understudy: ${name}: cannot listen on 127.0.0.1:${taken}: ${reason}\n`)
    expect(code).toBe(1)
    expect(existsSync(join(dir, 'taken', 'run.json'))).toBe(false)
  })

  it('serve on the old Node stops on SIGTERM with exit code 0 from its first word on, and takes its run.json away', async () => {
    const dataDir = join(dir, 'served')
    const file = configFile('serve.yaml', {
      listen: '127.0.0.1:0',
      admin: { listen: '127.0.0.1:0' },
      data_dir: dataDir,
      store: 'none',
      providers: PROVIDERS,
    })
    const child = startCli(['serve', '-c', file], { node: oldNode() })
    const ended = once(child, 'close')
    const lines = createInterface({ input: child.stdout ?? process.stdin })
    const said: string[] = []
    let runFileMode: number | undefined
    for await (const line of lines) {
      said.push(line)
      if (runFileMode !== undefined) continue
      runFileMode = statSync(join(dataDir, 'run.json')).mode & 0o777
      child.kill('SIGTERM')
    }
    expect(runFileMode).toBe(0o600) // it may hold the admin token
    expect(await ended).toEqual([0, null])
    expect(said.slice(-2)).toEqual([
      'Stopping: finishing what is under way. Once more to stop at once.',
      'Stopped; nothing was recorded (store.kind is none).',
    ])
    expect(existsSync(join(dataDir, 'run.json'))).toBe(false)
  })
})

describe('traces, summary and migrate', () => {
  const TOKEN = 'a-token-that-nobody-may-print'
  let origin: NamedOrigin
  let home: ProxyHome
  let proxy: ProxyProcess
  let traceId: string

  beforeAll(async () => {
    origin = await aNamedOrigin('one')
    // As in the example config: the variable is set for the proxy and not for the commands.
    const admin = { listen: '127.0.0.1:0', token: '${ADMIN_TOKEN:-}' }
    home = await aProxyHome(settingsFor(origin.url, { admin, prices: [{ model: 'm-*', input: 1, output: 4 }] }), {
      environment: { ADMIN_TOKEN: TOKEN },
    })
    proxy = await home.start()
    const answers = await Promise.all([ask(), ask({ stream: true })])
    traceId = answers[0]?.headers.get('x-understudy-trace-id') ?? ''
    await stored(2)
  })
  afterAll(async () => {
    await home.close()
    origin.close()
  })

  describe.each(['while a proxy with an admin token runs', 'when none runs'])('%s', (when) => {
    beforeAll(async () => {
      if (when === 'when none runs') await proxy.end('SIGTERM')
    })

    it('traces lists the newest calls, and shows one in full', async () => {
      const list = await traces()
      expect(list).toMatchObject({ code: 0, stderr: '' })
      expect(list.stdout).toMatch(
        new RegExp(`│ ${traceId} │ chat_completions │ m-priced │ 200 .*│ 1000 .*│ 100 .*│ 0\\.0014 `),
      )
      expect(list.stdout.match(/│ chat_completions │/g)).toHaveLength(2)
      const one = await runCli(['traces', traceId, '-c', home.configFile])
      expect(one).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(one.stdout)).toMatchObject({
        trace: { trace_id: traceId, cost_usd: '0.0014', outcome: 'completed' },
        attempts: [{ provider: 'openai', response_id: 'chatcmpl-one', price_source: 'config' }],
      })
    })

    it('traces says so when there is no such trace', async () => {
      const { code, stdout, stderr } = await runCli([
        'traces',
        '019a0000-0000-7000-8000-000000000000',
        '-c',
        home.configFile,
      ])
      expect(stderr).toMatch(/no trace has this id/i)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    })

    it('summary adds up calls, tokens and cost per model', async () => {
      const { code, stdout } = await runCli(['summary', '-c', home.configFile])
      expect(stdout).toMatch(/│ openai +│ m-priced +│ +2 │ +0 │ +1 │ +1000 │ +100 │ +0\.0014 │/)
      expect(code).toBe(0)
    })

    it('query answers SQL in the format asked for, and refuses what could reach beyond the tables', async () => {
      const query = (...args: readonly string[]): Promise<CliRun> => runCli(['query', '-c', home.configFile, ...args])
      const sql = 'SELECT model, sum(calls) AS n, sum(cost_usd) AS usd FROM attempts_1h GROUP BY model'
      expect((await query(sql, '--format', 'csv')).stdout).toBe('model,n,usd\nm-priced,2,0.0014\n')
      expect(await query('SELECT number FROM numbers(5)', '--format', 'json', '--limit', '1')).toEqual({
        code: 0,
        stdout: '[\n  {\n    "number": "0"\n  }\n]\n',
        stderr: 'understudy: only the first 1 rows are shown; --limit takes up to 10000.\n',
      })
      expect(await query("SELECT file('/etc/passwd')")).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('The function file cannot be used here'),
      })
    })

    it('rollups rebuild makes them anew, and says for which days', async () => {
      const rebuilt = await runCli(['rollups', 'rebuild', '-c', home.configFile])
      expect(rebuilt).toMatchObject({ code: 0, stderr: '' })
      expect(rebuilt.stdout).toMatch(/^Aggregating .*\n(?:.* of 2 days rebuilt .*\n)*Rebuilt: 20\d\d-\d\d-\d\d\n$/)
      const day = ['rollups', 'rebuild', '-c', home.configFile, '--to']
      expect((await runCli([...day, '2026-02-31'])).stderr).toMatch(/Expected a day such as/)
      expect((await runCli([...day, '2001-01-01'])).stdout).toMatch(/no rows to rebuild/)
    }, 90_000)

    it('migrate has nothing to do', async () => {
      const { code, stdout } = await runCli(['migrate', '-c', home.configFile])
      expect(stdout).toMatch(when === 'when none runs' ? /^The tables were up to date\.$/m : /A proxy is running/)
      expect(code).toBe(0)
    })
  })

  it('migrate makes the tables of a new store, and traces then finds none', async () => {
    const file = configFile('new.yaml', {
      data_dir: join(dir, 'new'),
      store: { kind: 'embedded', port: 0 },
      providers: PROVIDERS,
    })
    const first = await runCli(['migrate', '-c', file])
    expect(first.stdout).toMatch(/^Applied: .*001_traces\.sql, 002_attempts\.sql/)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(await runCli(['traces', '-c', file])).toMatchObject({
      code: 0,
      stdout: 'No calls in the last 60 minutes.\n',
    })
  })

  it('traces says what is wrong where the config records nothing', async () => {
    const file = configFile('none.yaml', { data_dir: join(dir, 'none'), store: 'none', providers: PROVIDERS })
    const { code, stderr } = await runCli(['traces', '-c', file])
    expect(stderr).toContain('this config records nothing (store.kind is none)')
    expect(code).toBe(1)
  })

  it('never print the admin token', async () => {
    expect(home.printed()).toContain('admin token required')
    expect(home.printed()).not.toContain(TOKEN)
  })

  function traces(): Promise<CliRun> {
    return runCli(['traces', '-c', home.configFile], { environment: { COLUMNS: '200' } })
  }

  async function ask(changes: object = {}): Promise<Response> {
    const body = JSON.stringify({ model: 'm-priced', ...changes })
    const answer = await fetch(`${home.url}/openai/v1/chat/completions`, { method: 'POST', body })
    if (answer.headers.get('content-type') === 'text/event-stream') origin.finishStreams()
    await answer.arrayBuffer()
    return answer
  }

  /** Waits until so many traces are stored. */
  async function stored(count: number): Promise<void> {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const deadline = performance.now() + 60_000
    for (;;) {
      const answer = await fetch(`${proxy.adminUrl}/admin/traces`, { headers })
      const body: { traces?: readonly unknown[] } = JSON.parse(await answer.text())
      if (body.traces?.length === count) return
      if (performance.now() > deadline) throw new Error(JSON.stringify(body))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
})

/** Writes a config file: JSON is YAML. */
function configFile(name: string, settings: object): string {
  const file = join(dir, name)
  writeFileSync(file, JSON.stringify(settings))
  return file
}

async function listening(): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
