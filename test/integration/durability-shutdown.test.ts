import { expect, it, onTestFinished } from 'vitest'
import { ask } from '../fakes/ask.ts'
import { MIXED_CALLS, startClosedLoop } from '../fakes/closed-loop.ts'
import { compareLedger, NO_DIFFERENCE } from '../fakes/compare-ledger.ts'
import { aProxyHome, settingsFor, type ProxyHome, type Settings } from '../fakes/proxy-process.ts'
import { aPost, RawClient, type RawAnswer } from '../fakes/raw-client.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'

async function aHome(changes: Settings = {}): Promise<ProxyHome> {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const home = await aProxyHome(settingsFor(simulator.url, changes))
  onTestFinished(() => home.close())
  return home
}

const CHAT = '{"model":"sim-plain","messages":[{"role":"user","content":"What is 17 + 25?"}]}'
const STREAM = CHAT.replace('{', '{"stream":true,')
const MESSAGES = STREAM.replace('{', '{"max_tokens":64,')

const KEY = [
  ['authorization', 'Bearer sk-test'],
  ['anthropic-version', '2023-06-01'],
  ['content-type', 'application/json'],
] as const

/** A request on a connection of its own, with a fault of the simulated provider. */
function begin(port: number, path: string, body: string, fault = ''): RawClient {
  const client = new RawClient(port)
  const faults = fault === '' ? [] : [['x-sim-fault', fault] as const]
  void client.send(aPost(path, body, [...KEY, ...faults]), 'POST')
  return client
}

/** What a new client gets: a status, or the code of the error by which it is turned away. */
async function statusOf(port: number): Promise<unknown> {
  try {
    return (await ask(port, OPENAI, { method: 'POST', body: CHAT })).status
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

function traceIdOf({ headers }: RawAnswer): string {
  return headers.find(([name]) => name.toLowerCase() === 'x-understudy-trace-id')?.[1] ?? ''
}

const OPENAI = '/openai/v1/chat/completions'
const ANTHROPIC = '/anthropic/v1/messages'

it('finishes what is under way after SIGTERM, turns away what is new, stores every row and exits 0', async () => {
  const home = await aHome()
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: 6, calls: MIXED_CALLS })
  onTestFinished(() => loop.stop())
  await loop.answers(200)
  const kept = new RawClient(home.port)
  await kept.send(aPost(OPENAI, CHAT, KEY), 'POST')
  await kept.answer()
  const stream = begin(home.port, OPENAI, STREAM, 'drip@4')
  await stream.received('data:')

  const stoppedAt = performance.now()
  proxy.signal('SIGTERM')
  await kept.closed()
  await expect.poll(() => statusOf(home.port), { timeout: 10_000 }).toBe('ECONNREFUSED')
  const whole = await stream.answer()
  expect(whole.end).toBe('whole')
  expect(whole.body.toString()).toMatch(/data: \[DONE\]\n\n$/)
  expect(await proxy.ended).toEqual({ code: 0, signal: null })
  expect(performance.now() - stoppedAt).toBeLessThan(15_000)
  expect(home.printed()).toContain('Stopped; every row is stored.')
  await loop.stop()

  const next = await home.start()
  await next.stored()
  expect((await next.readiness()).spool.rows).toBe(0)
  expect((await compareLedger(next.rows, loop.ledger)).difference).toEqual(NO_DIFFERENCE)
  const sql = `SELECT outcome FROM traces WHERE trace_id = '${traceIdOf(whole)}'`
  expect(await next.rows(sql)).toEqual([{ outcome: 'completed' }])
})

it('cuts what hangs at the deadline, keeps what was seen of it, and exits 0', async () => {
  const home = await aHome({ shutdown_deadline: '1500ms' })
  const proxy = await home.start()
  await proxy.stored()
  const stalled = begin(home.port, ANTHROPIC, MESSAGES, 'hang@4')
  await stalled.received('content_block_delta')
  const silent = begin(home.port, OPENAI, CHAT, 'hang')
  const passed = begin(home.port, '/openai/v1/files', 'x', 'hang')
  await expect.poll(() => proxy.metric('understudy_in_flight_requests', { provider: 'openai' })).toBe(2)

  const stoppedAt = performance.now()
  expect(await proxy.end('SIGTERM')).toEqual({ code: 0, signal: null })
  const tookMs = performance.now() - stoppedAt
  expect(tookMs).toBeGreaterThan(1_400)
  expect(tookMs).toBeLessThan(10_000)
  expect(home.printed()).toContain('3 requests had not finished within the deadline and were cut.')
  expect((await stalled.answer()).end).toBe('cut')
  await Promise.all([silent.closed(), passed.closed()])

  const next = await home.start()
  await next.stored()
  const rows = await next.rows(
    'SELECT api, outcome, error, status, input_tokens > 0 AS has_input, usage_is_partial AS is_partial FROM traces ORDER BY api',
  )
  const nothingSeen = { outcome: 'unavailable', error: 'shutting_down', status: 0, has_input: null, is_partial: false }
  expect(rows).toEqual([
    { api: 'chat_completions', ...nothingSeen },
    { api: 'messages', outcome: 'interrupted', error: 'shutting_down', status: 200, has_input: 1, is_partial: true },
    { api: 'passthrough', ...nothingSeen },
  ])
})

it('stops at once on the second signal, and loses nothing that was answered', async () => {
  const home = await aHome()
  const proxy = await home.start()
  await proxy.stored()
  const loop = startClosedLoop(home.port, { clients: 4, calls: MIXED_CALLS })
  await loop.answers(150)
  const hung = begin(home.port, OPENAI, STREAM, 'hang@4')
  await hung.received('data:')
  proxy.signal('SIGTERM')
  await expect.poll(() => statusOf(home.port), { timeout: 10_000 }).toBe('ECONNREFUSED')
  const again = performance.now()
  expect(await proxy.end('SIGTERM')).toEqual({ code: 1, signal: null })
  expect(performance.now() - again).toBeLessThan(2_000)
  await loop.stop()
  const next = await home.start()
  await next.drained()
  expect((await compareLedger(next.rows, loop.ledger)).difference).toEqual(NO_DIFFERENCE)
})

it('records requests that were interrupted, cancelled, refused or rejected with what was seen of them', async () => {
  const home = await aHome({ limits: { max_body: '2KB' } })
  const proxy = await home.start()
  const cut = begin(home.port, ANTHROPIC, MESSAGES, 'cut@5')
  const cutOpenai = begin(home.port, OPENAI, STREAM, 'cut@5')
  const unfinished = begin(home.port, ANTHROPIC, MESSAGES, 'end@5')
  const refused = begin(home.port, OPENAI, CHAT, 'status@429')
  const failed = begin(home.port, OPENAI, CHAT, 'reset')
  const frame = begin(home.port, OPENAI, STREAM, 'error@2')
  const rejected = begin(home.port, '/p/nobody/v1/messages', MESSAGES)
  const tooLarge = begin(home.port, OPENAI, 'x'.repeat(3_000))
  const left = begin(home.port, ANTHROPIC, MESSAGES, 'hang@4')
  await left.received('content_block_delta')
  left.socket.destroy()
  const named = { cut, cutOpenai, unfinished, refused, failed, frame, rejected, tooLarge }
  const ids = new Map<string, string>()
  for (const [name, client] of Object.entries(named)) ids.set(traceIdOf(await client.answer()), name)
  ids.set(traceIdOf(left.answers()[0] ?? (await left.answer())), 'left')
  await proxy.drained()

  const rows = await proxy.rows<{ id: string }>(
    `SELECT toString(t.trace_id) AS id, t.outcome AS outcome, t.status AS status, t.error AS error, t.attempts AS attempts,
       t.input_tokens > 0 AS has_input, t.usage_is_partial AS is_partial, a.outcome AS attempt, t.response_bytes > 0 AS has_bytes
     FROM traces AS t LEFT JOIN attempts AS a USING trace_id`,
  )
  const seen = Object.fromEntries(rows.map(({ id, ...row }) => [ids.get(id), row]))
  const whole = { has_input: null, is_partial: false }
  const partial = { has_input: 1, is_partial: true }
  const row = (outcome: string, status: number, error: string, usage: object, hasBytes = 1) => {
    return { outcome, attempt: outcome, status, error, attempts: 1, has_bytes: hasBytes, ...usage }
  }
  const noCall = { attempt: '', attempts: 0 }
  expect(seen).toEqual({
    cut: row('interrupted', 200, 'upstream_cut', partial),
    // This dialect tells the usage in its last chunk only, so of a cut stream it is unknown, not zero.
    cutOpenai: row('interrupted', 200, 'upstream_cut', whole),
    unfinished: row('interrupted', 200, 'no_terminal_event', partial),
    left: row('cancelled', 200, 'client_closed', partial),
    refused: row('refused', 429, 'upstream_error', whole),
    frame: row('refused', 200, 'upstream_stream_error', whole),
    failed: row('unavailable', 502, 'upstream_reset', whole, 0),
    rejected: { ...row('rejected', 404, 'unknown_provider', whole, 0), ...noCall },
    tooLarge: { ...row('rejected', 413, 'body_too_large', whole, 0), ...noCall },
  })
})
