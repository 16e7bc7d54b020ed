import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { aDirectory } from '../fakes/a-spool.ts'
import { startCli } from '../fakes/run-cli.ts'

it('a proxy goes on, and stops in order, when nobody reads what it prints any more', async () => {
  const dir = aDirectory()
  const file = join(dir, 'understudy.yaml')
  const ports = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' } }
  const providers = { openai: { dialect: 'openai', base_url: 'http://127.0.0.1:9' } }
  writeFileSync(file, JSON.stringify({ ...ports, data_dir: join(dir, 'data'), store: 'none', providers }))
  const child = startCli(['serve', '-c', file])
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stderr ?? process.stdin })) {
    if (!line.includes('"event":"started"')) continue
    child.stdout?.destroy()
    child.kill('SIGTERM')
  }
  expect(await ended).toEqual([0, null])
})
