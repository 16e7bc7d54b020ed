import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aNamedOrigin } from '../fakes/named-origin.ts'
import type { NamedOrigin } from '../fakes/named-origin.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import type { ProxyHome, ProxyProcess } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'
import type { CliRun } from '../fakes/run-cli.ts'

const PROVIDERS = { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9' } }

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-cli-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

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
      const [{ code, stdout }, json] = await Promise.all([
        runCli(['summary', '-c', home.configFile]),
        runCli(['summary', '-c', home.configFile, '-f', 'json']),
      ])
      expect(stdout).toMatch(/│ openai +│ m-priced +│ +2 │ +0 │ +1 │ +1000 │ +100 │ +0\.0014 │/)
      expect(stdout).toContain('The last 60 minutes')
      expect(code).toBe(0)
      expect(JSON.parse(json.stdout)).toMatchObject([{ model: 'm-priced', calls: 2, cost_usd: '0.0014' }])
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
