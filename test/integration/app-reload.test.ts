import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aNamedOrigin } from '../fakes/named-origin.ts'
import type { NamedOrigin } from '../fakes/named-origin.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import type { ProxyHome, ProxyProcess, Settings } from '../fakes/proxy-process.ts'

/** The promise: in force within two seconds, however the file changes. */
const IN_FORCE_MS = 2_000
const PATIENCE_MS = 30_000

/** One request of the load, as its client saw it. Times of this machine's wall clock. */
type Asked = {
  readonly sentAt: number
  readonly endedAt: number
  readonly status: number
  readonly origin: string
  readonly traceId: string
}

/** A policy from the moment in which it was seen in force to that in which the file was changed again. */
type Reign = { readonly version: string; readonly origin: string; readonly from: number; until: number }

let one: NamedOrigin
let two: NamedOrigin
let home: ProxyHome
let proxy: ProxyProcess
const asked: Asked[] = []
const failures: string[] = []
const reigns: Reign[] = []
/** Which origin each policy version sends to. */
const origins = new Map<string, string>()
let isLoading = true
let load: Promise<unknown>
let current: Settings

beforeAll(async () => {
  ;[one, two] = await Promise.all([aNamedOrigin('one'), aNamedOrigin('two')])
  current = settingsFor(one.url)
  home = await aProxyHome(current, { dir: likeAConfigMap() })
  proxy = await home.start()
  await proxy.stored()
  await reign(textOf(current), one.name)
  load = Promise.all([1, 2].map(() => askWhileLoading()))
})
afterAll(async () => {
  isLoading = false
  await home.close()
  one.close()
  two.close()
})

const WAYS: readonly (readonly [string, (text: string) => unknown])[] = [
  // First, while the file is still the symlink that it was mounted as.
  ['the symlink swap of a ConfigMap', swapLikeKubernetes],
  ['an edit in place', (text) => writeFileSync(home.configFile, text)],
  ['an atomic rename', renameOver],
  ['a write and SIGHUP', writeAndHangUp],
  ['a PUT to the admin port', put],
]

describe('a changed policy', () => {
  it.each(WAYS)(
    'is in force within two seconds after %s, and moves traffic to the new base_url',
    async (_way, write) => {
      const next = origins.get(reigns.at(-1)?.version ?? '') === one.name ? two : one
      current = settingsFor(next.url)
      await change(current, next.name, write)
      expect(await ask()).toMatchObject({ status: 200, origin: next.name })
    },
  )

  it('is read on SIGHUP at once, before the watch has even settled', async () => {
    const labels = { result: 'applied', trigger: 'signal' }
    expect(await proxy.metric('understudy_config_reloads_total', labels)).toBe(1)
  })

  it('leaves a request that is under way to the policy with which it came', async () => {
    const [old, next] = originsNow()
    const oldVersion = reigns.at(-1)?.version
    const stream = await send({ model: 'm-priced', stream: true })
    await until('the stream is open', () => old.openStreams() === 1)
    current = settingsFor(next.url)
    await change(current, next.name, writeInPlace)
    expect(await ask()).toMatchObject({ origin: next.name })
    old.finishStreams()
    const text = await stream.text()
    expect(text.match(/"content":"\w+"/g)).toEqual([`"content":"${old.name}"`, `"content":"${old.name}"`])
    expect(text).toContain('[DONE]')
    const row = await rowOf(stream.headers.get('x-understudy-trace-id'))
    expect(row).toMatchObject({ policy_version: oldVersion, outcome: 'completed' })
  })

  it('that is faulty leaves the last good one in force, says so everywhere, and counts again once mended', async () => {
    const [now, next] = originsNow()
    const version = reigns.at(-1)?.version
    const rejected = proxy.nextLine('policy_rejected')
    // Both a fault and a change: the change must not slip in.
    writeInPlace(textOf({ ...settingsFor(next.url), limits: { max_body: 'much' } }))
    const line = await rejected
    expect(line['faults']).toEqual([
      expect.stringMatching(/understudy\.yaml:1:\d+ limits\.max_body: expected a size.*, found "much"/),
    ])
    expect(line['trigger']).toBe('file')
    expect(await proxy.metric('understudy_config_file_in_force')).toBe(0)
    expect(await proxy.metric('understudy_config_reloads_total', { result: 'rejected', trigger: 'file' })).toBe(1)
    const readiness = await proxy.admin('/readyz')
    expect(readiness.status).toBe(200) // it serves, and well
    const told: {
      because: string[]
      config: { version: string; rejected: { faults: { path: string; line: number }[] } }
    } = JSON.parse(readiness.text)
    expect(told.because).toContain('config_rejected')
    expect(told.config.version).toBe(version)
    expect(told.config.rejected.faults).toMatchObject([{ path: 'limits.max_body', line: 1 }])
    expect(await ask()).toMatchObject({ status: 200, origin: now.name })

    current = { ...settingsFor(next.url), limits: { max_body: '1MB' } }
    await change(current, next.name, writeInPlace)
    expect(await proxy.metric('understudy_config_file_in_force')).toBe(1)
    expect((await proxy.readiness()).because).not.toContain('config_rejected')
    expect(await ask()).toMatchObject({ origin: next.name })
  })

  it('with another price prices the calls that come after it, and with none records them as unpriced', async () => {
    const name = originsNow()[0].name
    expect(await rowOf((await ask()).traceId)).toMatchObject({ cost_usd: null, unpriced_attempts: 1 })
    const atPrice = (input: number, output: number): Settings => ({
      ...current,
      prices: [{ model: 'm-*', input, output }],
    })
    await change(atPrice(1, 4), name, writeInPlace)
    // 1000 × 1 USD/M + 100 × 4 USD/M
    expect(await rowOf((await ask()).traceId)).toMatchObject({ cost_usd: 0.0014, unpriced_attempts: 0 })
    await change(atPrice(2, 8.5), name, writeInPlace)
    expect(await rowOf((await ask()).traceId)).toMatchObject({ cost_usd: 0.00285, unpriced_attempts: 0 })
  })

  it('with another retention changes how long the tables keep their rows', async () => {
    const name = originsNow()[0].name
    await change({ ...current, retention: { traces: '7d', attempts: '400d' } }, name, writeInPlace)
    const days = async (): Promise<unknown> =>
      proxy.rows(`SELECT name, extract(engine_full, 'toIntervalDay\\\\((\\\\d+)') AS days FROM system.tables
        WHERE database = 'understudy' AND name IN ('traces', 'attempts', 'quarantine') ORDER BY name`)
    const wanted = [
      { name: 'attempts', days: '400' },
      { name: 'quarantine', days: '30' },
      { name: 'traces', days: '7' },
    ]
    const deadline = performance.now() + PATIENCE_MS
    let found = await days()
    while (JSON.stringify(found) !== JSON.stringify(wanted) && performance.now() < deadline) {
      await sleep(50)
      found = await days()
    }
    expect(found).toEqual(wanted)
  })
})

describe('all of this under load', () => {
  it('failed no request, and every trace has the policy that was in force when it came', async () => {
    isLoading = false
    await load
    await proxy.drained()
    expect(failures).toEqual([])
    expect(asked.length).toBeGreaterThan(100)
    const rows = await proxy.rows<{ trace_id: string; policy_version: string; response_id: string }>(
      'SELECT trace_id, policy_version, response_id FROM understudy.attempts',
    )
    const byTrace = new Map(rows.map((row) => [row.trace_id, row]))
    const wrong = asked.flatMap((request) => {
      const row = byTrace.get(request.traceId)
      if (row === undefined) return [`${request.traceId} is not recorded`]
      // The policy on the row is the one that chose the upstream.
      const isOwn =
        origins.get(row.policy_version) === request.origin && row.response_id === `chatcmpl-${request.origin}`
      // Where one policy was in force for the whole life of the request, it must be that one.
      const ruling = reigns.find(({ from, until }) => from <= request.sentAt && request.endedAt < until)
      const isTimely = ruling === undefined || ruling.version === row.policy_version
      return isOwn && isTimely ? [] : [`${JSON.stringify(request)} is recorded as ${JSON.stringify(row)}`]
    })
    expect(wrong).toEqual([])
    expect(new Set(rows.map((row) => row.policy_version))).toEqual(new Set(reigns.map(({ version }) => version)))
  })
})

/** Changes the file in the given way and waits until the new policy is in force; fails when that takes too long. */
async function change(settings: Settings, origin: string, write: (text: string) => unknown): Promise<void> {
  const text = textOf(settings)
  const last = reigns.at(-1)
  if (last !== undefined) last.until = Date.now()
  const startedAt = performance.now()
  await write(text)
  await reign(text, origin)
  expect(performance.now() - startedAt).toBeLessThan(IN_FORCE_MS)
}

/** Waits until this file's policy is in force and notes from when on. */
async function reign(text: string, origin: string): Promise<void> {
  const version = createHash('sha256').update(text).digest('hex').slice(0, 16)
  origins.set(version, origin)
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const policy: { version: string } = JSON.parse((await proxy.admin('/admin/policy')).text)
    if (policy.version === version) break
    if (performance.now() > deadline) throw new Error(`policy ${version} never came into force`)
    await sleep(10)
  }
  reigns.push({ version, origin, from: Date.now(), until: Infinity })
}

async function askWhileLoading(): Promise<void> {
  while (isLoading) {
    try {
      const request = await ask()
      asked.push(request)
      if (request.status !== 200) failures.push(JSON.stringify(request))
    } catch (error) {
      failures.push(String(error))
    }
    await sleep(10)
  }
}

async function ask(): Promise<Asked> {
  const sentAt = Date.now()
  const answer = await send({ model: 'm-priced' })
  await answer.arrayBuffer()
  return {
    sentAt,
    endedAt: Date.now(),
    status: answer.status,
    origin: answer.headers.get('x-origin') ?? '',
    traceId: answer.headers.get('x-understudy-trace-id') ?? '',
  }
}

function send(body: object): Promise<Response> {
  return fetch(`${home.url}/openai/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) })
}

/** The row of a trace, once it is stored. */
async function rowOf(traceId: string | null): Promise<unknown> {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    const [row] = await proxy.rows(`SELECT * FROM understudy.traces WHERE trace_id = '${traceId}'`)
    if (row !== undefined) return row
    await sleep(50)
  }
  return undefined
}

/** The origin that serves now, and the other one. */
function originsNow(): readonly [NamedOrigin, NamedOrigin] {
  return origins.get(reigns.at(-1)?.version ?? '') === one.name ? [one, two] : [two, one]
}

/** The file's text: JSON is YAML. */
function textOf(settings: Settings): string {
  return JSON.stringify({ listen: `127.0.0.1:${home.port}`, data_dir: home.dataDir, ...settings })
}

/** A directory as kubelet mounts a ConfigMap: file → ..data/file, ..data → a directory of this revision. */
function likeAConfigMap(): string {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-reload-'))
  mkdirSync(join(dir, '..2026_1'))
  symlinkSync('..2026_1', join(dir, '..data'))
  symlinkSync(join('..data', 'understudy.yaml'), join(dir, 'understudy.yaml'))
  return dir
}

function swapLikeKubernetes(text: string): void {
  const dir = join(home.configFile, '..')
  expect(readFileSync(join(dir, '..2026_1', 'understudy.yaml'), 'utf8')).not.toBe('')
  mkdirSync(join(dir, '..2026_2'))
  writeFileSync(join(dir, '..2026_2', 'understudy.yaml'), text)
  symlinkSync('..2026_2', join(dir, '..data_tmp'))
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
}

function writeInPlace(text: string): void {
  writeFileSync(home.configFile, text)
}

function renameOver(text: string): void {
  writeFileSync(`${home.configFile}.new`, text)
  renameSync(`${home.configFile}.new`, home.configFile)
}

function writeAndHangUp(text: string): void {
  writeInPlace(text)
  proxy.signal('SIGHUP')
}

async function put(text: string): Promise<void> {
  const headers = { 'content-type': 'application/yaml' }
  const answer = await fetch(`${proxy.adminUrl}/admin/policy`, { method: 'PUT', headers, body: text })
  expect(await answer.json()).toMatchObject({ result: 'applied', restart_needed: [] })
  expect(readFileSync(home.configFile, 'utf8')).toBe(text)
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited too long until ${what}`)
    await sleep(10)
  }
}
