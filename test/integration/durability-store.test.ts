import { readdirSync, readFileSync, writeFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, queryAs, settingsFor, type ProxyHome } from '../fakes/proxy-process.ts'
import { aStoreDoor, type StoreDoor } from '../fakes/store-door.ts'
import { plain, startRawUpstream } from '../fakes/raw-upstream.ts'
import { ask } from '../fakes/ask.ts'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'

let engine: TestEngine
let simulator: Simulator

beforeAll(async () => {
  engine = await startTestEngine()
  simulator = await startSimulator()
})
afterAll(async () => {
  await simulator?.close()
  await engine?.close()
})

/** A home whose store is the engine behind a door, in a database of its own. */
async function aHomeBehindDoor(database: string, upstream = simulator.url) {
  const door: StoreDoor = await aStoreDoor(engine.engine.port)
  onTestFinished(() => door.close())
  const store = { kind: 'url', url: door.url, username: 'app', password: 'app', database }
  const home: ProxyHome = await aProxyHome(settingsFor(upstream, { store }))
  onTestFinished(() => home.close())
  const rows = queryAs(engine.engine.url, { username: 'app', password: 'app', database })
  return { door, home, rows }
}

describe('a ClickHouse server of the operator', () => {
  it('may refuse connections at start, lose answers, be slow and fall silent: every answer is stored once', async () => {
    const { door, home, rows } = await aHomeBehindDoor('bad_way')
    await door.make('refused')
    const proxy = await home.start()
    const loop = startClosedLoop(home.port, { clients: 6, calls: MIXED_CALLS, pauseMs: 5 })
    onTestFinished(() => loop.stop())
    await loop.answers(300)
    expect((await proxy.readiness()).status).toBe('degraded')
    const available = proxy.nextLine('store_available')
    await door.make('open')
    await available
    await door.make('lost_answers')
    await expect.poll(() => door.lostAnswers(), { timeout: 20_000 }).toBeGreaterThan(3)
    await door.make('slow')
    await sleep(3_000)
    await door.make('refused')
    await proxy.nextLine('store_down')
    await door.make('open')
    await proxy.stored()
    await door.make('silent')
    await proxy.nextLine('store_down')
    await door.make('open')
    await loop.answers(100)
    await loop.stop()
    await proxy.drained()

    expect(loop.failures).toEqual([])
    expect(await compareLedger(rows, loop.ledger)).toEqual({
      difference: NO_DIFFERENCE,
      others: [],
      traces: loop.ledger.size,
    })
    expect(await proxy.end('SIGTERM')).toEqual({ code: 0, signal: null })
  })

  it('that takes connections and says nothing is reported as down, soon', async () => {
    const { door, home } = await aHomeBehindDoor('silent')
    await door.make('silent')
    const proxy = await home.start()
    await expect.poll(async () => (await proxy.readiness()).store.state, { timeout: 15_000 }).toBe('down')
  })

  it('gets a row that it refuses set aside with the reason, and every neighbour of it stored', async () => {
    const { door, home, rows } = await aHomeBehindDoor('poisoned')
    await door.make('refused')
    const first = await home.start()
    const loop = startClosedLoop(home.port, { clients: 4, calls: MIXED_CALLS })
    await loop.answers(200)
    await loop.stop()
    await first.end('SIGKILL')
    const poison = '{"trace_id":"not-a-uuid","received_at":"yesterday"}'
    insertIntoLargestSegment(join(home.dataDir, 'spool', 'traces'), poison)

    await door.make('open')
    const second = await home.start()
    await second.drained()
    expect(await compareLedger(rows, loop.ledger)).toMatchObject({ difference: NO_DIFFERENCE, others: [] })
    expect(await rows('SELECT table_name, row, reason FROM quarantine')).toEqual([
      { table_name: 'traces', row: poison, reason: expect.stringMatching(/UUID|parse/i) },
    ])
    expect(await second.metric('understudy_spool_quarantined_rows_total', { table: 'traces', kept_in: 'table' })).toBe(
      1,
    )
    expect(second.lines()).toContainEqual(expect.objectContaining({ event: 'rows_refused_by_store', rows: 1 }))
    expect((await second.readiness()).spool.quarantined_rows).toBe(1)
  })
})

/** Writes a row into the middle of the fullest segment, as a disk or a bug might. */
function insertIntoLargestSegment(dir: string, row: string): void {
  const [name = ''] = readdirSync(dir)
    .filter((file) => /\.(open|ndjson)$/.test(file))
    .toSorted((a, b) => readFileSync(join(dir, b)).length - readFileSync(join(dir, a)).length)
  const [names, ...rows] = readFileSync(join(dir, name), 'utf8').trimEnd().split('\n')
  rows.splice(Math.floor(rows.length / 2), 0, row)
  writeFileSync(join(dir, name), `${[names, ...rows].join('\n')}\n`)
  const [id = '', , extension] = name.split('.')
  if (extension === 'ndjson') renameSync(join(dir, name), join(dir, `${id}.${rows.length}.ndjson`))
}

describe('what a client or a provider may send', () => {
  const LONE = '\\ud800'
  const bodies: readonly string[] = [
    `{"model":"lone ${LONE} surrogate","messages":[]}`,
    `{"model":"${'x'.repeat(255)}\\ud83d\\ude00","messages":[]}`,
    '{"model":"nul \\u0000 in \\u001f it","messages":[]}',
    `{"model":"\\"\\\\},{[:,'\`\\t\\n\\r\\u2028","messages":[]}`,
    '{"model":null,"user":7,"messages":[]}',
    `{"model":"m","user":"${LONE}${LONE}","prompt_cache_key":"\\udc00"}`,
    `{"model":"m","safety_identifier":"${'é'.repeat(300)}"}`,
    '{"model":"__proto__","metadata":{"user_id":"\\u0000"}}',
    '{"model":"{database:Identifier}","stream":1e400}',
    `{"model":"raw \xff\xfe bytes"}`,
    '\x00\x01\x02',
    '[]',
    '',
  ]
  const headers: readonly Record<string, string>[] = [
    { 'x-understudy-tags': 'a=1,a=2,=,==,__proto__=x,constructor=y,\xe9=\xff,"quoted"="\\",,' },
    { 'x-understudy-tags': `${'k'.repeat(300)}=1,${'k'.repeat(301)}=2` },
    { 'x-understudy-user': '\xff\xfe\x80', 'x-understudy-team': '{}[]":,\\', 'x-understudy-session': '\\ud800' },
    { 'x-understudy-task': ' ', 'x-understudy-route': 'NULL', 'user-agent': '\\N' },
    { 'x-stainless-retry-count': '999999999', 'x-stainless-timeout': '999999999' },
    { 'x-stainless-retry-count': '-1', 'x-stainless-timeout': '1e309' },
    { traceparent: `00-${'f'.repeat(32)}-${'0'.repeat(16)}-01` },
    { traceparent: '00-zz-1-01', 'anthropic-version': '\xff' },
  ]
  const usages: readonly string[] = [
    '{"prompt_tokens":1.5,"completion_tokens":-3,"total_tokens":9007199254740993}',
    '{"prompt_tokens":9007199254740991,"completion_tokens":9007199254740991}',
    '{"prompt_tokens":1e400,"completion_tokens":"7"}',
    '{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":50},"completion_tokens":1}',
    '{"input_tokens":1e300,"output_tokens":null,"cache_creation":{"ephemeral_5m_input_tokens":-1}}',
    '{"prompt_tokens":[],"completion_tokens":{}}',
    'null',
  ]
  const answerOf = (usage: string, n: number): string =>
    `{"id":"${n % 2 === 0 ? LONE : '\\u0000'}","model":"${LONE}","choices":[{"finish_reason":"\\ud800\\u0000"}],"stop_reason":"\\udfff","service_tier":"\\ud800","usage":${usage}}`

  it('never makes a row that ClickHouse refuses', async () => {
    const upstream = await startRawUpstream()
    onTestFinished(() => upstream.close())
    let n = 0
    upstream.serve(async (call) => {
      await call.body
      n += 1
      const usage = usages[n % usages.length] ?? 'null'
      const head = `HTTP/1.1 ${n % 11 === 0 ? 599 : n % 7 === 0 ? 418 : 200} \xff odd\r\nx-request-id: \xff\xfe"\\{}\r\ncontent-type: application/json`
      const error = `{"error":{"type":"${LONE}\\u0000","code":12,"message":null}}`
      await call.write(plain(n % 7 === 0 ? error : answerOf(usage, n), head))
    })
    const { home, rows } = await aHomeBehindDoor('hostile', upstream.url)
    const proxy = await home.start()
    const ids: string[] = []
    const paths = [
      '/openai/v1/chat/completions',
      '/anthropic/v1/messages',
      '/openai/v1/responses',
      '/openai/v1/embeddings',
    ]
    for (const path of [
      ...paths,
      '/p/openai/%00%ff%f0%9f?key=\xff',
      '/%ed%a0%80/\x80',
      `/openai/${'p'.repeat(5_000)}`,
    ]) {
      for (const body of bodies) {
        for (const extra of headers) {
          const answer = await ask(home.port, encodeLatin1Path(path), {
            method: 'POST',
            headers: extra,
            body: Buffer.from(body, 'latin1'),
          })
          ids.push(String(answer.headers['x-understudy-trace-id']))
        }
      }
    }
    await proxy.drained()
    expect(await rows('SELECT reason, row FROM quarantine')).toEqual([])
    const stored = await rows<{ id: string }>('SELECT toString(trace_id) AS id FROM traces')
    expect(stored.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(proxy.lines().filter(({ level }) => level === 'error')).toEqual([])
  })
})

/** Node's client refuses to send what no honest client sends; bytes above ASCII go through percent-encoded. */
function encodeLatin1Path(path: string): string {
  return path.replaceAll(/[^\x21-\x7e]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
}
