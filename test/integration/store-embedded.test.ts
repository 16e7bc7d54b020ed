import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { World } from '../../src/domain/ports.ts'
import { findFreePort } from '../../src/store/embedded/free-port.ts'
import { type Engine, launch, type LaunchOptions, ping } from '../../src/store/embedded/launch.ts'
import { type EngineStatus, supervise } from '../../src/store/embedded/supervise.ts'
import { ENGINE_READY_MS, quietLog } from '../fakes/clickhouse.ts'

const world: World = { now: () => 0, monotonic: () => performance.now(), newId: () => 'unused' }
const forever = new AbortController().signal

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-engine-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function options(parts: Partial<LaunchOptions> = {}): LaunchOptions {
  return {
    dir: tempDir(),
    port: 0,
    maxMemoryBytes: 1_500_000_000,
    maxThreads: 2,
    database: 'understudy',
    appPassword: 'app',
    roPassword: 'ro',
    readyTimeoutMs: ENGINE_READY_MS,
    signal: forever,
    ...parts,
  }
}

async function launched(parts: Partial<LaunchOptions> = {}): Promise<Engine> {
  const result = await launch(options(parts))
  if (result.kind === 'failed') throw new Error(result.detail)
  onTestFinished(() => result.engine.stop())
  return result.engine
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** What a process was started with. */
function environmentOf(pid: number): string {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/environ`, 'utf8')
  return spawnSync('ps', ['-E', '-p', String(pid)], { encoding: 'utf8' }).stdout
}

async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 20_000, interval: 20 }).toBe(false)
}

describe('launching', () => {
  test('gives a server that answers, and stopping leaves nothing behind', async () => {
    const engine = await launched()
    expect(await ping(engine.url, forever)).toBe(true)
    await engine.stop()
    expect(isAlive(engine.pid)).toBe(false)
    expect(await ping(engine.url, forever)).toBe(false)
  })

  test('starts the server behind the proxy in priority and without any of its environment', async () => {
    process.env.UNDERSTUDY_TEST_SECRET = 'sk-secret'
    onTestFinished(() => void delete process.env.UNDERSTUDY_TEST_SECRET)
    const engine = await launched()
    expect(getPriority(engine.pid)).toBeGreaterThanOrEqual(5)
    expect(environmentOf(engine.pid)).not.toContain('sk-secret')
  })

  test('refuses strangers: nothing is answered without a password, in whatever way the user is named', async () => {
    const engine = await launched()
    const query = `query=${encodeURIComponent('SELECT currentUser()')}`
    const basic = (credentials: string) => ({ authorization: `Basic ${btoa(credentials)}` })
    const named = (user: string, password?: string) => ({
      'x-clickhouse-user': user,
      ...(password === undefined ? {} : { 'x-clickhouse-key': password }),
    })
    const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      (await (await fetch(`${engine.url}/${path}`, { method, headers })).text()).trim()
    expect(await ask(`?${query}`, named('app', 'app'))).toBe('app')
    expect(await ask(`?${query}`, basic('ro:ro'))).toBe('ro')
    expect(await ask(`?${query}`, named('ro', 'ro'))).toBe('ro')
    const strangers: readonly (readonly [string, Record<string, string>?])[] = [
      [`?${query}`],
      [`?user=default&${query}`],
      [`?user=ro&password=&${query}`],
      [`?${query}`, basic('default:')],
      [`?${query}`, basic('app:')],
      [`?${query}`, basic('app:app')],
      [`?${query}`, basic('ro:app')],
      [`?user=default&${query}`, basic('ro:app')],
      [`?user=default&${query}`, named('ro', 'ro')],
      [`?${query}`, { ...basic('ro:ro'), ...named('default') }],
      [`?${query}`, named('default')],
      [`?${query}`, named('ro')],
      [`?user=default&${query}`, named('ro')],
      [`?${query}`, { ...basic('app:'), ...named('default') }],
      [`ping?${query}`, named('default')],
    ]
    const letIn: string[] = []
    for (const [path, headers] of strangers) {
      for (const method of ['GET', 'POST']) {
        const answer = await ask(path, headers, method)
        if (/^(?:default|app|ro)$/m.test(answer)) letIn.push(`${method} ${path} ${JSON.stringify(headers)}: ${answer}`)
      }
    }
    expect(letIn).toEqual([])
  })

  test('keeps nothing in its files by which the read-only user, who can have them read, becomes the owner', async () => {
    const dir = tempDir()
    await launched({ dir, appPassword: 'owner-secret', roPassword: 'reader' })
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'))
    expect(texts.length).toBeGreaterThan(1)
    const forms = ['owner-secret', btoa('app:owner-secret'), btoa('owner-secret')]
    expect(texts.filter((text) => forms.some((form) => text.includes(form)))).toEqual([])
  })

  test('does not let a web page in the browser of its machine read files through it', async () => {
    const engine = await launched()
    const file = join(tempDir(), 'notes')
    writeFileSync(file, 'private')
    const sql = encodeURIComponent(`SELECT file('${file}')`)
    const answer = await fetch(`${engine.url}/?add_http_cors_header=1&query=${sql}`, {
      headers: { origin: 'https://a-page.example' },
    })
    expect(answer.status).toBe(404)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(await answer.text()).not.toContain('private')
    const preflight = await fetch(`${engine.url}/?add_http_cors_header=1`, {
      method: 'OPTIONS',
      headers: { origin: 'https://a-page.example', 'access-control-request-headers': 'authorization' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('takes the next free port when the wanted one is taken', async () => {
    const stranger = createServer().listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    onTestFinished(() => void stranger.close())
    const address = stranger.address()
    const taken = typeof address === 'object' && address !== null ? address.port : 0
    const engine = await launched({ port: taken })
    expect(engine.port).toBeGreaterThan(taken)
    expect(engine.port).toBeLessThanOrEqual(taken + 50)
  })

  test('says which process holds the directory', async () => {
    const dir = tempDir()
    const holder = await launched({ dir })
    const second = await launch(options({ dir }))
    expect(second).toMatchObject({ kind: 'failed', reason: 'directory_held', isFinal: false })
    expect(second.kind === 'failed' && second.detail).toContain(`process ${holder.pid}`)
    expect(await ping(holder.url, forever)).toBe(true)
  })

  test('of two that start at once one gets the data, under its own password, and the other says who has it', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'conf-2147483646-left'), { recursive: true }) // of a process that was killed
    const passwords = ['one', 'two']
    const both = await Promise.all(passwords.map((appPassword) => launch(options({ dir, appPassword }))))
    onTestFinished(async () => {
      for (const each of both) if (each.kind === 'running') await each.engine.stop()
    })
    expect(both.map((each) => (each.kind === 'running' ? 'running' : each.reason)).toSorted()).toEqual([
      'directory_held',
      'running',
    ])
    for (const [index, each] of both.entries()) {
      if (each.kind !== 'running') continue
      const headers = { 'X-ClickHouse-User': 'app', 'X-ClickHouse-Key': passwords[index] ?? '' }
      const answer = await fetch(each.engine.url, { method: 'POST', headers, body: 'SELECT 1' })
      expect([answer.status, await answer.text()]).toEqual([200, '1\n'])
      expect(readdirSync(dir).filter((name) => name.startsWith('conf'))).toEqual([
        expect.stringContaining(`conf-${process.pid}-`),
      ])
      await each.engine.stop()
    }
    expect(readdirSync(dir).filter((name) => name.startsWith('conf'))).toEqual([])
  })

  test('says so when the directory cannot be written', async () => {
    const result = await launch(options({ dir: '/dev/null/understudy' }))
    expect(result).toMatchObject({ kind: 'failed', reason: 'unwritable' })
  })

  test('works in a directory with quotes, spaces and umlauts in its name', async () => {
    const engine = await launched({ dir: join(tempDir(), `it's a "dür" & <more>`) })
    expect(await ping(engine.url, forever)).toBe(true)
  })

  test('ends at once when it is given up on', async () => {
    const giveUp = new AbortController()
    const starting = launch(options({ signal: giveUp.signal }))
    giveUp.abort()
    expect(await starting).toMatchObject({ kind: 'failed' })
  })

  test('tells a missing engine by the exit code of the child', () => {
    const dir = tempDir()
    const sidecar = join(dir, 'sidecar.mjs')
    copyFileSync(fileURLToPath(new URL('../../src/store/embedded/sidecar.mjs', import.meta.url)), sidecar)
    const run = spawnSync(process.execPath, [sidecar, dir, dir, join(dir, 'port')], { encoding: 'utf8' })
    expect(run.status).toBe(3)
    expect(run.stderr).toContain('chdb')
    expect(existsSync(join(dir, 'port'))).toBe(false)
  })
})

test('the server dies with the proxy, even when that is killed with SIGKILL', async () => {
  const launchUrl = new URL('../../src/store/embedded/launch.ts', import.meta.url).href
  const script = `
    import { launch } from ${JSON.stringify(launchUrl)}
    const options = ${JSON.stringify({ ...options(), signal: undefined })}
    const result = await launch({ ...options, signal: new AbortController().signal })
    console.log(result.engine?.pid ?? result.detail)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await once(parent.stdout.setEncoding('utf8'), 'data')
  const enginePid = Number(printed)
  expect(isAlive(enginePid)).toBe(true)
  parent.kill('SIGKILL')
  await untilGone(enginePid)
})

/** A supervised engine and what has become of it so far. */
function supervised(parts: { dir?: string; port?: number; pingEveryMs?: number } = {}) {
  const seen: EngineStatus[] = []
  let told = (): void => {}
  const engine = supervise({
    ...options(parts),
    ...parts,
    world,
    log: quietLog,
    onChange: (status) => {
      seen.push(status)
      told()
    },
  })
  onTestFinished(() => engine.close())
  /** The `nth` time that the engine was running, counted from 1. */
  const running = async (nth: number): Promise<{ url: string; pid: number }> => {
    for (;;) {
      const runs = seen.filter((status) => status.kind === 'running')
      const run = runs[nth - 1]
      if (run !== undefined) return run
      await new Promise<void>((resolve) => (told = resolve))
    }
  }
  return { engine, seen, running }
}

describe('supervision', () => {
  test('starts a killed server again, where it was', async () => {
    const { seen, running } = supervised()
    const first = await running(1)
    process.kill(first.pid, 'SIGKILL')
    const second = await running(2)
    expect(second.pid).not.toBe(first.pid)
    expect(second.url).toBe(first.url)
    expect(seen.map((status) => status.kind)).toEqual(['running', 'down', 'running'])
    expect(await ping(second.url, forever)).toBe(true)
  })

  test('kills a server that hangs and starts it again', async () => {
    const { running } = supervised({ pingEveryMs: 1_000 })
    const first = await running(1)
    process.kill(first.pid, 'SIGSTOP')
    const second = await running(2)
    expect(second.pid).not.toBe(first.pid)
    expect(isAlive(first.pid)).toBe(false)
  })

  test('waits for a directory that another still holds, and says so meanwhile', async () => {
    const dir = tempDir()
    const holder = await launched({ dir })
    const { engine, seen, running } = supervised({ dir })
    await expect.poll(() => seen.at(-1), { timeout: ENGINE_READY_MS }).toMatchObject({ kind: 'down' })
    expect(engine.status()).toMatchObject({ detail: expect.stringContaining(`process ${holder.pid}`) })
    await holder.stop()
    await running(1)
  })

  test('closed while the server is starting, leaves nothing behind', async () => {
    const { engine, seen } = supervised()
    await engine.close()
    await engine.close()
    expect(seen.map((status) => status.kind)).toEqual(['closed'])
  })
})

test('a free port is found beside a taken one, and 0 stays any', async () => {
  const stranger = createServer().listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  onTestFinished(() => void stranger.close())
  const address = stranger.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  expect(await findFreePort(taken)).not.toBe(taken)
  expect(await findFreePort(0)).toBe(0)
})
