import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
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
