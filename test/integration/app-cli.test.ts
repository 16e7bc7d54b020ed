import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../fakes/proxy-process.ts'
import { oldNode, pinnedNode, runCli, startCli } from '../fakes/run-cli.ts'

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
    ['a number of nothing', ['traces', '-n', '0'], /argument '0' is invalid. Expected a whole number of 1 or more/],
    ['a port that is none', ['simulator', '-p', '99999'], /Expected a port from 0 \(any free one\) to 65535/],
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

  it('tells a person in the wrong place where it looked, and makes nothing there', async () => {
    const here = await runCli(['traces'], { cwd: dir })
    expect(here.stderr).toContain(
      `there is no config file at ${join(dir, 'config/understudy.yaml')}, where a command looks`,
    )
    const file = configFile('elsewhere.yaml', { data_dir: join(dir, 'nobody'), providers: PROVIDERS })
    const [rows, targets, body] = await Promise.all([
      runCli(['summary', '-c', file]),
      runCli(['targets', '-c', file]),
      runCli(['route', '--explain', 'no-such.json', '-c', file], { cwd: dir }),
    ])
    expect(rows.stderr).toContain(`nothing is recorded in ${join(dir, 'nobody')}, the data_dir of this config`)
    expect(targets.stderr).toContain(`no proxy runs on ${join(dir, 'nobody')}, the data_dir of this config`)
    expect(body.stderr).toContain(`no-such.json: there is no such file (looked for in ${dir})`)
    expect([here, rows, targets, body].map(({ code, stdout }) => [code, stdout])).toEqual(
      Array.from({ length: 4 }, () => [1, '']),
    )
    expect(existsSync(join(dir, 'nobody'))).toBe(false)
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
