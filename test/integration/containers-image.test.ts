import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { aChat, aSimulator, post } from '../fakes/a-simulator.ts'
import { startComposeClickHouse } from '../fakes/compose-clickhouse.ts'
import { execForm, readDockerfile, textsOf } from '../fakes/dockerfile.ts'
import { filesIn, makeImageTree } from '../fakes/image-tree.ts'
import { freePort } from '../fakes/proxy-process.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PATIENCE_MS = 60_000
const image = readDockerfile(join(ROOT, 'Dockerfile')).stages.at(-1) ?? []
const config = readFileSync(join(ROOT, 'config/understudy.compose.yaml'), 'utf8')
const simulator = aSimulator()

let dir: string
let app: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-image-'))
  app = join(dir, 'app')
  makeImageTree(app)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A container without the container: the image's files, command and health check, on other ports and directories. */
async function aContainer(environment: Readonly<Record<string, string>>) {
  const [dataPort, adminPort] = [await freePort(), await freePort()]
  const file = join(dir, `${dataPort}.yaml`)
  const dataDir = join(dir, `${dataPort}.data`)
  writeFileSync(
    file,
    config
      .replace('0.0.0.0:8787', `127.0.0.1:${dataPort}`)
      .replace('0.0.0.0:8788', `127.0.0.1:${adminPort}`)
      .replace('/var/lib/understudy', dataDir)
      .replace('https://api.openai.com', simulator().url),
  )
  const inImage = (word: string): string => word.replace(/^\/app/, app).replace(':8788/', `:${adminPort}/`)
  const health = execForm(textsOf(image, 'HEALTHCHECK')[0] ?? '').map(inImage)
  const [, ...entry] = execForm(textsOf(image, 'ENTRYPOINT')[0] ?? '').map(inImage)
  const command = execForm(textsOf(image, 'CMD')[0] ?? '')
  return {
    url: `http://127.0.0.1:${dataPort}`,
    isHealthy: (): boolean => spawnSync(process.execPath, health.slice(1), { env: {} }).status === 0,
    start: (): ChildProcess => {
      const env = { UNDERSTUDY_CONFIG: file, UNDERSTUDY_ADMIN_TOKEN: 'of-the-admin', ...environment }
      const child = spawn(process.execPath, [...entry, ...command], { cwd: app, env, stdio: 'ignore' })
      onTestFinished(() => void child.kill('SIGKILL'))
      return child
    },
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not ${what} within ${PATIENCE_MS} ms`)
    await sleep(50)
  }
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  return child.exitCode
}

test('the image holds neither the embedded engine nor anything that is for development', () => {
  const absent = ['node_modules/chdb', 'node_modules/vitest', 'node_modules/node', 'test', '.git', 'config/kubernetes']
  expect(absent.filter((path) => existsSync(join(app, path)))).toEqual([])
  expect(existsSync(join(app, 'config/clickhouse/000_bootstrap.sql'))).toBe(true)
})

test('what the image holds starts, is healthy, stores a call in the ClickHouse of compose, and ends with 0', async () => {
  const server = await startComposeClickHouse([], { isLaidOver: true })
  onTestFinished(server.close)
  const { url, isHealthy, start } = await aContainer({
    CLICKHOUSE_URL: server.url,
    CLICKHOUSE_PASSWORD: server.password,
  })
  const before = filesIn(app)
  expect(isHealthy()).toBe(false)
  const child = start()
  await until('healthy', isHealthy)
  expect((await post(`${url}/openai/v1/chat/completions`, aChat())).status).toBe(200)
  const calls = async (): Promise<number> => {
    const [row] = await server.as('understudy')<{ count: number }>('SELECT count() AS count FROM understudy.traces')
    return row?.count ?? 0
  }
  await until('stored', () =>
    calls().then(
      (count) => count === 1,
      () => false,
    ),
  )
  expect(await stop(child)).toBe(0)
  // Its file system may be read-only.
  expect(filesIn(app)).toEqual(before)
})

test('without ClickHouse the container is healthy all the same, and answers', async () => {
  const nowhere = `http://127.0.0.1:${await freePort()}`
  const { url, isHealthy, start } = await aContainer({ CLICKHOUSE_URL: nowhere, CLICKHOUSE_PASSWORD: 'any' })
  const child = start()
  await until('healthy', isHealthy)
  expect((await post(`${url}/openai/v1/chat/completions`, aChat())).status).toBe(200)
  expect(await stop(child)).toBe(0)
})

test('without an admin token the container does not start', async () => {
  const { start } = await aContainer({ UNDERSTUDY_ADMIN_TOKEN: '', CLICKHOUSE_PASSWORD: 'any' })
  const [code] = await once(start(), 'exit')
  expect(code).toBe(1)
})
