import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import OpenAI from 'openai'
import Anthropic from '@anthropic-ai/sdk'
import { expect, it, onTestFinished } from 'vitest'
import { aProxyHome, type ProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import { SAID, type Said } from '../fakes/said.ts'

const run = promisify(execFile)
const BIN = fileURLToPath(new URL('../../src/bin.mjs', import.meta.url))

/** Planted in prompts, answers and tool calls; nothing that is stored may hold one. */
const SECRETS = {
  key: 'sk-proj-zq7f3e91aa55bb66cc77dd88ee99',
  email: 'zq.canary@private.example',
  card: '4111 1111 1111 1111',
  phone: '+49 30 901820 4477',
  employee: 'E-559911',
  path: 'zq-named-by-a-path',
}
const PROMPT = `My key is ${SECRETS.key}, mail ${SECRETS.email}; ${SECRETS.card}. I am ${SECRETS.employee}, not E-12.`
const ANSWER = `Call ${SECRETS.phone} or mail ${SECRETS.email}, ${SECRETS.employee}. Ünïcödé stays.`
const USER = 'zq-user-0c11f2-erase-me'

/** A provider that answers each dialect with `ANSWER` in pieces of three characters. */
async function aTalkativeProvider(): Promise<string> {
  const pieces = Array.from({ length: Math.ceil(ANSWER.length / 3) }, (_, at) => ANSWER.slice(at * 3, at * 3 + 3))
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const asked = Buffer.concat(chunks).toString('latin1')
      const isStream = asked.includes('"stream":true') || request.url?.includes('stream') === true
      const path = request.url ?? ''
      const said = SAID.find((each) => path === unmounted(each) && each.isStream === isStream)
      if (said === undefined) return void response.writeHead(404).end()
      const bytes = Buffer.from(said.answer(pieces, `see ${SECRETS.email}`))
      const isSse = isStream && !bytes.toString().startsWith('[')
      const type = { 'content-type': isSse ? 'text/event-stream' : 'application/json' }
      if (request.headers['accept-encoding']?.includes('gzip') === true) {
        return void response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(gzipSync(bytes))
      }
      response.writeHead(200, type)
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7))
      response.end()
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const unmounted = ({ path }: Said): string => path.replace(/^\/\w+/, '')

const CONTENT = {
  mode: 'full',
  redact: { patterns: { employee: 'E-\\d{6}' }, json_paths: ['$.metadata.note', '$..d'] },
}

/** Sends every form of every dialect, as plain requests and, for some, by their SDKs. */
async function talk(home: ProxyHome): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer k', 'x-understudy-user': USER }
  for (const said of SAID) {
    for (const encoding of ['identity', 'gzip']) {
      const answer = await fetch(home.url + said.path, {
        method: 'POST',
        headers: { ...headers, 'accept-encoding': encoding },
        body: said.request(PROMPT),
      })
      expect(await answer.text()).toContain('Ü')
    }
  }
  const openai = new OpenAI({
    baseURL: `${home.url}/openai/v1`,
    apiKey: 'k',
    defaultHeaders: { 'x-understudy-user': USER },
  })
  const stream = await openai.chat.completions.create({
    model: 'gpt-5-mini',
    stream: true,
    metadata: { note: SECRETS.path },
    messages: [{ role: 'user', content: PROMPT }],
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  expect(text).toBe(ANSWER)
  const anthropic = new Anthropic({
    baseURL: `${home.url}/anthropic`,
    apiKey: 'k',
    defaultHeaders: { 'x-understudy-user': USER },
  })
  const message = await anthropic.messages.create({
    model: 'claude-haiku-4-5',
    max_tokens: 9,
    messages: [{ role: 'user', content: PROMPT }],
  })
  expect(message.content[0]).toMatchObject({ text: ANSWER })
  return SAID.length * 2 + 2
}

function textsBelow(dir: string): string {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('\n')
}

const leaks = (text: string): readonly string[] =>
  Object.entries(SECRETS).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []))

/** Runs commands of the command line on a home. */
function cliOf(home: ProxyHome) {
  return async (...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> =>
    run(process.execPath, [BIN, ...args, '-c', home.configFile], { env: {}, timeout: 60_000 }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code?: number; stdout?: string; stderr?: string }) => ({
        code: error.code ?? -1,
        stdout: `${error.stdout}${error.stderr}`,
      }),
    )
}

it('stores what was said, redacted, shows it by its trace, and forgets the person', async () => {
  const upstream = await aTalkativeProvider()
  const providers = {
    openai: { dialect: 'openai', base_url: upstream },
    anthropic: { dialect: 'anthropic', base_url: upstream },
    gemini: { dialect: 'gemini', base_url: upstream },
  }
  const away = { kind: 'url', url: 'http://127.0.0.1:9' }
  const home = await aProxyHome(settingsFor(upstream, { providers, content: CONTENT, store: away }))
  onTestFinished(() => home.close())

  // With the store away: what is spooled is readable as it is.
  const first = await home.start()
  const sent = await talk(home)
  await first.end('SIGTERM')
  const spooled = textsBelow(join(home.dataDir, 'spool'))
  expect(spooled.split('[redacted:employee]').length).toBeGreaterThan(sent)
  expect(leaks(spooled)).toEqual([])
  expect(leaks(home.printed())).toEqual([])

  home.configure(settingsFor(upstream, { providers, content: CONTENT }))
  const second = await home.start()
  await second.stored()
  await second.drained()
  const rows = await second.rows<{
    trace_id: string
    request: string
    answer: string
    answer_kept: string
    redactions: Record<string, number>
  }>('SELECT * FROM contents ORDER BY toString(trace_id)')
  expect(rows).toHaveLength(sent)
  expect(leaks(JSON.stringify(rows))).toEqual([])
  for (const row of rows) {
    expect(row.answer_kept).toBe('full')
    expect(JSON.parse(row.answer)).toMatchObject({
      text: expect.stringContaining('Ünïcödé stays.'),
      is_truncated: false,
    })
    expect(row.redactions).toMatchObject({ email: expect.any(Number), employee: expect.any(Number) })
  }
  const cli = cliOf(home)
  const id = rows[0]?.trace_id ?? ''
  const shown = await cli('trace', id)
  expect(shown.stdout).toContain('[redacted:employee]')
  expect(shown.stdout).toContain('answer (full')
  const inFull: { content: { answer: string } } = JSON.parse((await cli('trace', id, '-f', 'json')).stdout)
  expect(JSON.parse(inFull.content.answer)).toMatchObject({ finish_reason: expect.any(String) })

  // The person's last request is still in the spool when the erasure begins.
  await talk(home)
  const dryRun = await cli('erase', '--user', USER, '--dry-run')
  expect(dryRun.stdout).toMatch(new RegExp(`contents\\s+│ ${sent * 2} `))
  expect((await cli('erase', '--user', USER, '--before', 'yesterday')).code).toBe(1)
  const erased = await cli('erase', '--user', USER)
  expect(erased.code).toBe(0)
  expect(erased.stdout).toMatch(new RegExp(`contents\\s+│ ${sent * 2} +│ deleted`))
  expect(erased.stdout).toMatch(new RegExp(`traces\\s+│ ${sent * 2} +│ anonymised`))
  expect(await second.rows('SELECT * FROM contents')).toEqual([])
  for (const table of ['traces', 'attempts', 'quarantine', 'scores', 'pairs']) {
    expect(JSON.stringify(await second.rows(`SELECT * FROM ${table}`))).not.toContain(USER)
  }
  expect(await second.rows('SELECT count() AS n FROM traces')).toEqual([{ n: sent * 2 }])
  await second.end('SIGTERM')
  expect(textsBelow(join(home.dataDir, 'spool'))).not.toContain(USER)
  expect(home.printed()).not.toContain(USER)
  expect((await cli('erase', '--user', USER, '--dry-run')).stdout).toMatch(/traces\s+│ 0 /)
}, 180_000)

it('is one record of several workers: the same hashes, and forgotten in all their spools', async () => {
  const upstream = await aTalkativeProvider()
  const home = await aProxyHome(settingsFor(upstream, { content: { mode: 'full' }, workers: 2 }))
  onTestFinished(() => home.close())
  const proxy = await home.start()
  await proxy.stored()
  const [chat] = SAID
  const say = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer k', 'x-understudy-user': USER }
    // A connection each, or all would go to one worker.
    const init = { method: 'POST', headers: { ...headers, connection: 'close' }, body: chat?.request(PROMPT) ?? '' }
    await (await fetch(home.url + chat?.path, init)).text()
  }
  for (let count = 0; count < 24; count += 1) await say()
  const erased = await cliOf(home)('erase', '--user', USER, '--dry-run')
  expect(erased.stdout).toMatch(/contents\s+│ 24 /)
  const [told] = await proxy.rows<{ hashes: number; instances: number }>(
    'SELECT uniqExact(request_hash) AS hashes, uniqExact(instance) AS instances FROM contents',
  )
  expect(told).toEqual({ hashes: 1, instances: 2 })
  await say()
  expect((await cliOf(home)('erase', '--user', USER)).stdout).toMatch(/contents\s+│ 25 +│ deleted/)
  expect(await proxy.rows('SELECT * FROM contents')).toEqual([])
}, 180_000)

it('changes live, and with content off nothing is written', async () => {
  const upstream = await aTalkativeProvider()
  const home = await aProxyHome(settingsFor(upstream))
  onTestFinished(() => home.close())
  const proxy = await home.start()
  const [chat] = SAID
  const say = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer k' }
    await (await fetch(home.url + chat?.path, { method: 'POST', headers, body: chat?.request(PROMPT) ?? '' })).text()
  }
  await say()
  for (const mode of ['hash', 'truncated']) {
    const applied = proxy.nextLine('policy_applied')
    home.configure(settingsFor(upstream, { content: { routes: { default: mode }, head: 20, tail: 10 } }))
    proxy.signal('SIGHUP')
    await applied
    await say()
  }
  await proxy.stored()
  await proxy.drained()
  const rows = await proxy.rows<{ mode: string; request: string; request_hash: string }>(
    'SELECT mode, request, request_hash FROM contents ORDER BY toString(trace_id)',
  )
  expect(rows.map(({ mode }) => mode)).toEqual(['hash', 'truncated'])
  expect(rows[0]).toMatchObject({ request: '', request_hash: rows[1]?.request_hash })
  expect(rows[1]?.request).toMatch(/^.{20}\[… \d+ characters …\].{10}$/s)
}, 120_000)
