import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aProxyHome } from '../fakes/proxy-process.ts'
import type { ProxyHome } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'

const ROUTES = {
  seeing: { match: { model: 'vision' }, target: 'openai/o3-mini', fallbacks: 'openai/gpt-4o' },
  team: { match: { team: 'research', stream: true }, target: 'openai/big' },
  short: {
    match: { headers: { 'x-env': 'prod*' } },
    rules: [{ name: 'little', when: { input_tokens: { below: 100 } }, target: 'openai/small' }],
    otherwise: 'openai/big',
    fallbacks: 'keyless/small',
  },
}
const SETTINGS = {
  admin: { listen: '127.0.0.1:0' },
  store: 'none',
  providers: {
    openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9', api_key: 'sk-not-shown' },
    keyless: { dialect: 'openai', base_url: 'http://127.0.0.1:9' },
  },
  routes: ROUTES,
}

let dir: string
let home: ProxyHome
let request: string
/** A request with an image, for a model that sees none. */
let picture: string
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-route-'))
  request = join(dir, 'request.json')
  writeFileSync(request, JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello there' }] }))
  picture = join(dir, 'picture.json')
  const content = [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]
  writeFileSync(picture, JSON.stringify({ model: 'vision', messages: [{ role: 'user', content }] }))
  home = await aProxyHome(SETTINGS)
})
afterAll(async () => {
  await home.close()
  rmSync(dir, { recursive: true, force: true })
})

const explain = async (...more: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  runCli(['route', '-c', home.configFile, '--explain', request, ...more])

/** Cells of the drawn tables, row by row. */
function rowsOf(stdout: string): readonly string[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim())
        .join(' | '),
    )
}

it('route --explain shows the decision of the config file, and then that of the proxy that runs on it', async () => {
  const fromFile = await explain('--header', 'X-Env: production')
  expect(fromFile).toMatchObject({ code: 0, stderr: '' })
  expect(fromFile.stdout).toContain('No proxy runs')
  expect(fromFile.stdout).toContain('route    short, rule little: rule_held\ngoes to  openai/small\n')
  expect(rowsOf(fromFile.stdout)).toEqual([
    'target | place | weight | health | rejected',
    'openai/small | 1 |  | healthy | ',
    'openai/big |  |  | healthy | ',
    'keyless/small |  |  | healthy | no_key',
    'rule | verdict',
    'little | holds',
    'route | verdict',
    'seeing | model: expected vision, found gpt-4o',
    'team | stream: expected true, found false',
    ' | team: expected research, found nothing',
    'short | takes it',
  ])
  expect(fromFile.stdout).not.toContain('not-shown')
  const pictureByFile = await explain('--explain', picture)
  expect(rowsOf(pictureByFile.stdout)).toContain('openai/o3-mini |  |  | healthy | needs_images')

  const proxy = await home.start()
  const fromProxy = await explain('--header', 'X-Env: production')
  expect(fromProxy.stdout.split('\n')[0]).toBe(`As ${proxy.adminUrl} decides now.`)
  const undated = (text: string): readonly string[] =>
    text
      .split('\n')
      .slice(1)
      .filter((line) => !line.startsWith('unit'))
  expect(undated(fromProxy.stdout)).toEqual(undated(fromFile.stdout))
  const pictureByProxy = await explain('--explain', picture)
  expect(undated(pictureByProxy.stdout)).toEqual(undated(pictureByFile.stdout))
})

it('route --explain fails in a sentence for what is no request, no header or no routed path', async () => {
  const body = join(dir, 'body.txt')
  writeFileSync(body, 'Hello')
  for (const [args, said] of [
    [['--explain', body], 'expected the JSON body of a request'],
    [['--explain', request, '--header', 'x-env'], 'expected a header as name: value'],
    [['--explain', request, '--path', '/v1/models'], 'o route can see '],
    [['--explain', join(dir, 'none.json')], 'there is no such file'],
  ] as const) {
    const { code, stdout, stderr } = await runCli(['route', '-c', home.configFile, ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(said)
  }
})
