import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../fakes/proxy-process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STOPPING = 'Stopping: finishing what is under way. Once more to stop at once.'
const STOPPED = 'Stopped; nothing was recorded (store.kind is none).'

// A process manager signals the npm that it started; a terminal's Ctrl-C reaches npm and the proxy, and npm passes it on.
it.each([
  ['npm alone is told to stop', 'SIGTERM', 1],
  ['a terminal tells npm and the proxy', 'SIGINT', -1],
] as const)('npm start finishes what is under way when %s', async (_how, signal, sign) => {
  let answer: ((response: ServerResponse) => void) | undefined
  const asked = new Promise<ServerResponse>((resolve) => (answer = resolve))
  const upstream = createServer((_request, response) => answer?.(response)).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const dir = mkdtempSync(join(tmpdir(), 'understudy-npm-'))
  const port = await freePort()
  const address = upstream.address()
  const providers = {
    openai: {
      dialect: 'openai',
      base_url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    },
  }
  const file = join(dir, 'npm.yaml')
  const listen = { listen: `127.0.0.1:${port}`, admin: { listen: '127.0.0.1:0' } }
  writeFileSync(file, JSON.stringify({ ...listen, data_dir: dir, store: 'none', providers }))
  const npm = spawn('npm', ['start', '--', '-c', file], {
    cwd: ROOT,
    detached: true, // a process group of its own, as in a terminal
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'] ?? '', HOME: dir },
  })
  const ended = once(npm, 'exit')
  onTestFinished(async () => {
    try {
      if (npm.pid !== undefined) process.kill(-npm.pid, 'SIGKILL')
    } catch {
      // The whole group has ended, as it should.
    }
    await ended
    upstream.close()
    rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  const said: string[] = []
  let call: Promise<string> | undefined
  for await (const line of createInterface({ input: npm.stdout })) {
    said.push(line)
    if (line.includes('See rows')) {
      call = fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', body: '{}' }).then((a) => a.text())
      await asked
      if (npm.pid !== undefined) process.kill(sign * npm.pid, signal)
    }
    if (line === STOPPING) {
      // npm's own signal has come by now, or comes within its turn of the event loop.
      const response = await asked
      setTimeout(() => response.end('answered'), 200)
    }
  }
  expect(await call).toBe('answered')
  expect(said.slice(-2)).toEqual([STOPPING, STOPPED])
})
