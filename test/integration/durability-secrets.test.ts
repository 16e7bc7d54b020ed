import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ask } from '../fakes/ask.ts'
import { aProxyHome, settingsFor, type ProxyProcess, type Settings } from '../fakes/proxy-process.ts'
import { RawClient } from '../fakes/raw-client.ts'
import { plain, startRawUpstream } from '../fakes/raw-upstream.ts'

/** Words that stand for secrets. Each is told to the proxy in one way, and none may come out of it anywhere. */
const SECRETS = {
  bearer: 'sk-canary-bearer-4f1c77aa',
  apiKey: 'sk-ant-canary-apikey-93b2',
  azureKey: 'canaryAzureKey0c11f2',
  googleKey: 'AIzaCanaryGoogle5d6e7f8a9b0c1d2e3f4a5',
  cookie: 'canary-cookie-71be',
  proxyAuthorization: 'canary-proxy-auth-19ac',
  unknownHeader: 'canary-header-value-55aa',
  query: 'canary-query-key-8e8e',
  userinfo: 'canary-userinfo-6c6c',
  prompt: 'canary-prompt-word-2d2d',
  brokenBody: 'canary-broken-body-3e3e',
  upload: 'canary-upload-bytes-4b4b',
  framing: 'canary-bad-framing-7a7a',
  webSocket: 'canary-websocket-1f1f',
  serverKey: 'sk-canary-server-key-aa00',
  deadServerKey: 'sk-canary-dead-server-bb11',
  adminToken: 'canary-admin-token-cc22-long-enough',
  readToken: 'canary-read-token-dd33-long-enough',
  wrongToken: 'canary-wrong-token-ee44',
  storePassword: 'canary-store-password-ff55',
  faultyConfig: 'sk-canary-in-a-faulty-config-0066',
} as const

/** Stored because the application asked for it: in the column for it, and nowhere else. */
const TAG = 'canary-tag-value-9d9d'

const environment = {
  SERVER_KEY: SECRETS.serverKey,
  DEAD_KEY: SECRETS.deadServerKey,
  ADMIN_TOKEN: SECRETS.adminToken,
  READ_TOKEN: SECRETS.readToken,
  STORE_PASSWORD: SECRETS.storePassword,
}

function settingsWithSecrets(upstream: string, store: Settings): Settings {
  const base = settingsFor(upstream)
  return {
    ...base,
    store,
    admin: { listen: '127.0.0.1:0', token: '${ADMIN_TOKEN}', read_token: '${READ_TOKEN}' },
    log: { level: 'debug', requests: true },
    providers: {
      openai: { dialect: 'openai', base_url: upstream, include_usage: true },
      anthropic: { dialect: 'anthropic', base_url: upstream },
      gemini: { dialect: 'gemini', base_url: upstream },
      'served-gemini': { dialect: 'gemini', base_url: upstream, api_key: '${SERVER_KEY}' },
      'dead-gemini': { dialect: 'gemini', base_url: 'http://127.0.0.1:9' },
      served: { dialect: 'openai', base_url: upstream, api_key: '${SERVER_KEY}' },
      dead: { dialect: 'openai', base_url: 'http://127.0.0.1:9', api_key: '${DEAD_KEY}' },
    },
  }
}

const HEADERS = {
  authorization: `Bearer ${SECRETS.bearer}`,
  'x-api-key': SECRETS.apiKey,
  'api-key': SECRETS.azureKey,
  'x-goog-api-key': SECRETS.googleKey,
  cookie: `session=${SECRETS.cookie}`,
  'proxy-authorization': `Basic ${SECRETS.proxyAuthorization}`,
  'x-anything': SECRETS.unknownHeader,
  'x-understudy-tags': `canary=${TAG}`,
  'content-type': 'application/json',
}
const CHAT = JSON.stringify({ model: 'm', stream: false, messages: [{ role: 'user', content: SECRETS.prompt }] })

/** Says every secret to the proxy in every way that reaches it. Resolves to the errors that the proxy itself answered. */
async function sayEverything(port: number): Promise<readonly string[]> {
  const query = `?key=${SECRETS.query}&api_key=${SECRETS.query}`
  const own: string[] = []
  const paths = [
    '/openai/v1/chat/completions',
    '/anthropic/v1/messages',
    '/openai/v1/files',
    '/p/served/v1/chat/completions',
    '/p/served/v1/models',
    '/gemini/v1beta/models/m:generateContent',
    '/v1beta/models/m:streamGenerateContent',
    '/gemini/upload/v1beta/files',
    '/p/served-gemini/v1beta/models/m:generateContent',
  ]
  const refused = [
    '/p/dead/v1/chat/completions',
    '/p/dead/v1/files',
    '/p/dead-gemini/v1beta/models/m:generateContent',
    '/p/nobody/v1/x',
    '/understudy/v1/x',
    '/p',
  ]
  for (const path of [...paths, ...refused]) {
    for (const body of [CHAT, `{"model": ${SECRETS.brokenBody}`, SECRETS.upload.repeat(200)]) {
      for (const target of [path + query, `http://user:${SECRETS.userinfo}@127.0.0.1:${port}${path}${query}`]) {
        const { body: text, headers } = await ask(port, target, { method: 'POST', headers: HEADERS, body })
        if (refused.includes(path)) own.push(text, JSON.stringify(headers))
      }
    }
  }
  for (const bytes of [
    `GET /${SECRETS.framing} HTTP/9.9\r\n${SECRETS.framing}\r\n\r\n`,
    `POST /openai/v1/files?key=${SECRETS.query} HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\nx-${SECRETS.framing}: 1\r\n\r\n`,
    `OPTIONS *?key=${SECRETS.query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SECRETS.bearer}\r\nConnection: close\r\n\r\n`,
    `GET /openai/v1/realtime?key=${SECRETS.query} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nsec-websocket-protocol: ${SECRETS.webSocket}\r\nsec-websocket-key: x\r\n\r\n`,
    `GET /p/nobody/v1?key=${SECRETS.query} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nauthorization: Bearer ${SECRETS.webSocket}\r\n\r\n`,
    `GET http://u:${SECRETS.userinfo}@h/p/nobody/v1?key=${SECRETS.query} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n`,
  ]) {
    const client = new RawClient(port)
    await client.send(bytes, 'GET')
    await client.until((answers) => answers.length > 0)
    client.socket.destroy()
  }
  return own
}

/** Everything that the admin port says to whom it trusts most, and to whom it does not trust. */
async function adminAnswers(proxy: ProxyProcess): Promise<readonly string[]> {
  const paths = [
    '/healthz',
    '/readyz',
    '/metrics',
    '/admin/traces',
    '/admin/traces?provider=served',
    '/admin/summary',
    '/admin/policy',
    '/admin/store',
    '/nothing',
  ]
  const answers: string[] = []
  for (const token of [SECRETS.adminToken, SECRETS.readToken, SECRETS.wrongToken]) {
    const headers = { authorization: `Bearer ${token}` }
    for (const path of paths) answers.push(await answerText(`${proxy.adminUrl}${path}`, { headers }))
    const body = `providers:\n  openai: { dialect: openai, base_url: 'http://127.0.0.1:1', api_key: [${SECRETS.faultyConfig}], ${SECRETS.faultyConfig} }\n`
    answers.push(
      await answerText(`${proxy.adminUrl}/admin/policy`, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/yaml' },
        body,
      }),
    )
  }
  return answers
}

async function answerText(url: string, init: RequestInit): Promise<string> {
  const answer = await fetch(url, init)
  return JSON.stringify([...answer.headers]) + (await answer.text())
}

/** Every file below `dir`, as bytes; where a token is meant to lie is left out. */
function filesBelow(dir: string): readonly (readonly [name: string, bytes: Buffer])[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'run.json' && statSync(join(dir, name)).isFile())
    .map((name) => [name, readFileSync(join(dir, name))])
}

function leaks(places: readonly (readonly [name: string, content: Buffer | string])[]): readonly string[] {
  return places.flatMap(([name, content]) =>
    Object.entries(SECRETS).flatMap(([secret, word]) => (content.includes(word) ? [`${secret} in ${name}`] : [])),
  )
}

it('writes no key, token, password, header, query or body anywhere', async () => {
  const upstream = await startRawUpstream()
  onTestFinished(() => upstream.close())
  upstream.serve(async (call) => {
    await call.body
    // As providers do: the error quotes the key. The client gets it as it is, but nothing else does.
    const error = {
      error: {
        message: `Incorrect API key: ${SECRETS.bearer}`,
        type: 'invalid_request_error',
        code: 'invalid_api_key',
      },
    }
    await call.write(plain(JSON.stringify(error), 'HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json'))
  })
  const away = { kind: 'url', url: 'http://127.0.0.1:9', username: 'app', password: '${STORE_PASSWORD}' }
  const home = await aProxyHome(settingsWithSecrets(upstream.url, away), { environment })
  onTestFinished(() => home.close())

  // Once with the store away: the rows lie in the spool as text.
  const first = await home.start()
  const errors = await sayEverything(home.port)
  home.configure({
    providers: {
      openai: { dialect: 'openai', base_url: 'no', api_key: SECRETS.faultyConfig, [SECRETS.faultyConfig]: 1 },
    },
  })
  const rejected = first.nextLine('policy_rejected')
  first.signal('SIGHUP')
  await rejected
  const answers = await adminAnswers(first)
  const spooled = filesBelow(home.dataDir)
  expect(Buffer.concat(spooled.map(([, bytes]) => bytes)).includes(TAG)).toBe(true)
  expect(
    leaks([
      ...spooled,
      ['errors', errors.join('\n')],
      ['admin answers', answers.join('\n')],
      ['output', home.printed()],
    ]),
  ).toEqual([])
  await first.end('SIGTERM')

  // And once with it: the rows are in compressed parts, so they are asked for.
  home.configure(settingsWithSecrets(upstream.url, { kind: 'embedded', port: 0 }))
  const second = await home.start()
  await sayEverything(home.port)
  await second.drained()
  const tables = await second.rows<{ name: string }>("SELECT name FROM system.tables WHERE database = 'understudy'")
  expect(tables.length).toBeGreaterThan(5)
  const contents = await Promise.all(
    tables.map(async ({ name }) => [name, JSON.stringify(await second.rows(`SELECT * FROM ${name}`))] as const),
  )
  expect(contents.find(([name]) => name === 'traces')?.[1]).toContain(TAG)
  const more = await adminAnswers(second)
  expect(leaks([...contents, ['admin answers', more.join('\n')]])).toEqual([])
  await second.end('SIGTERM')
  expect(leaks([...filesBelow(home.dataDir), ['output', home.printed()]])).toEqual([])
  expect(home.printed()).not.toContain(TAG)
})
