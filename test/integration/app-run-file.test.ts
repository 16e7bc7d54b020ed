import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { runCli, startCli } from '../fakes/run-cli.ts'

/** A config that records nothing, and its data directory. */
function aHome(): { readonly dir: string; readonly config: string; readonly runFile: string } {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-run-file-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const config = join(dir, 'understudy.yaml')
  const settings = {
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0', token: 'an-admin-token' },
    data_dir: join(dir, 'data'),
    store: 'none',
    providers: { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9' } },
  }
  writeFileSync(config, JSON.stringify(settings))
  mkdirSync(settings.data_dir)
  return { dir, config, runFile: join(settings.data_dir, 'run.json') }
}

it('serve that cannot leave word of itself ends, and does not serve on', async () => {
  const { config, runFile } = aHome()
  mkdirSync(runFile)
  const { code, stderr } = await runCli(['serve', '-c', config])
  expect(stderr).toContain('run.json')
  expect(code).toBe(1)
})

it('serve writes its token to a file of its own, whatever lies there and leads elsewhere', async () => {
  const { dir, config, runFile } = aHome()
  const elsewhere = join(dir, 'elsewhere')
  writeFileSync(elsewhere, 'untouched', { mode: 0o644 })
  symlinkSync(elsewhere, runFile)
  const proxy = startCli(['serve', '-c', config])
  if (proxy.stdout === null) throw new Error('no stdout')
  const ended = once(proxy, 'close')
  await once(createInterface(proxy.stdout), 'line')
  const { mode } = statSync(runFile)
  const untouched = statSync(elsewhere).size
  proxy.kill('SIGTERM')
  await ended
  expect(mode & 0o777).toBe(0o600)
  expect(untouched).toBe('untouched'.length)
})

/** Answers as the admin port does, and keeps what it was sent. */
async function startImpostor() {
  const heard: { readonly path: string; readonly authorization: string | undefined }[] = []
  const server = createServer(({ url = '', headers }, response) => {
    heard.push({ path: url.split('?')[0] ?? '', authorization: headers.authorization })
    response.end(JSON.stringify({ status: 'alive', proof: 'f'.repeat(64) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { heard, url: `http://127.0.0.1:${address.port}` }
}

it('a token is sent to nobody who merely answers where a proxy that was killed used to', async () => {
  const { config, runFile } = aHome()
  const proxy = startCli(['serve', '-c', config])
  if (proxy.stdout === null) throw new Error('no stdout')
  const ended = once(proxy, 'close')
  await once(createInterface(proxy.stdout), 'line')
  proxy.kill('SIGKILL')
  await ended
  const left: { adminUrl: string } = JSON.parse(readFileSync(runFile, 'utf8'))
  const impostor = await startImpostor()
  writeFileSync(runFile, JSON.stringify({ ...left, adminUrl: impostor.url }))

  const { code, stderr } = await runCli(['traces', '-c', config])
  expect(impostor.heard).toEqual([{ path: '/healthz', authorization: undefined }])
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('records nothing') })
})

it('the proxy that left word is asked with its token', async () => {
  const { config } = aHome()
  const proxy = startCli(['serve', '-c', config])
  if (proxy.stdout === null) throw new Error('no stdout')
  const ended = once(proxy, 'close')
  await once(createInterface(proxy.stdout), 'line')
  const { stderr } = await runCli(['traces', '-c', config])
  proxy.kill('SIGTERM')
  await ended
  // The admin port's own words: it took the token, and has no store to ask.
  expect(stderr).toContain('No store is configured (store: none)')
})
