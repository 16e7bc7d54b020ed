import { spawnSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import type { Twins } from '../fakes/direct-and-proxied.ts'
import { seenByClient, simulatedTwins } from '../fakes/direct-and-proxied.ts'
import { curl, PLAIN_CLIENTS } from '../fakes/plain-clients.ts'
import type { CurlAnswer, PlainAnswer } from '../fakes/plain-clients.ts'
import { sameThroughTheProxy } from '../fakes/same-through-the-proxy.ts'

const twins = simulatedTwins()

const messages = [{ role: 'user', content: 'What is 17 + 25? größe 東京 🚀' }]
const HEADERS = {
  'content-type': 'application/json',
  authorization: 'Bearer sk-test',
  'x-api-key': 'sk-ant-test',
  'anthropic-version': '2023-06-01',
  'x-of-their-own': 'kept',
}

const TEN_MB = 10 * 1024 * 1024

type Ask = { readonly path: string; readonly body: Buffer; readonly headers?: Readonly<Record<string, string>> }

const json = (path: string, body: object, headers: Readonly<Record<string, string>> = {}): Ask => ({
  path,
  body: Buffer.from(JSON.stringify({ model: 'sim-plain', ...body })),
  headers,
})
const CHAT = '/v1/chat/completions'

const ASKS: readonly (readonly [string, Ask])[] = [
  ['chat', json(CHAT, { messages })],
  [
    'a chat stream that asks for usage',
    json(CHAT, { messages, stream: true, stream_options: { include_usage: true } }),
  ],
  ['messages', json('/v1/messages', { messages, max_tokens: 99 })],
  ['a messages stream', json('/v1/messages', { messages, max_tokens: 99, stream: true })],
  ['a stream of responses', json('/v1/responses', { input: 'hi', stream: true })],
  ['an answer in gzip', json(CHAT, { messages }, { 'accept-encoding': 'gzip', 'x-sim-fault': 'encode@gzip' })],
  [
    'a stream in br',
    json('/v1/responses', { input: 'hi', stream: true }, { 'accept-encoding': 'br', 'x-sim-fault': 'encode@br' }),
  ],
  ['an error', json(CHAT, { messages }, { 'x-sim-fault': 'status@429' })],
  ['a body that is no JSON', { path: CHAT, body: Buffer.from('{"model":') }],
  ['a path that is not read', { path: '/v1/files?purpose=x%20y', body: Buffer.from('any bytes \xff\0', 'latin1') }],
  // curl waits for 100 Continue with a body of this size.
  ['ten megabytes asked', json(CHAT, { messages: [{ role: 'user', content: 'größe '.repeat(TEN_MB / 8) }] })],
  [
    'ten megabytes answered',
    json('/v1/messages', { messages, max_tokens: 99 }, { 'x-sim-fault': `gigantic@${TEN_MB}` }),
  ],
  [
    'a body in gzip',
    { path: CHAT, body: gzipSync(json(CHAT, { messages }).body), headers: { 'content-encoding': 'gzip' } },
  ],
]

/** As JSON, so that bytes are compared; without what differs from hop to hop, and the date. */
const compared = ({ status, headers, body }: PlainAnswer): object => ({
  status,
  headers: seenByClient(headers).filter(([name]) => name !== 'date'),
  body: body.toString('base64'),
})

/** The one record, which must be that of an answer as far as the client's own view goes. */
function expectRecordOf(records: readonly Exchange[], { status }: { readonly status: number }): void {
  expect(records).toHaveLength(1)
  expect(records[0]).toMatchObject({ status, outcome: status === 200 ? 'completed' : 'refused' })
}

describe.each(PLAIN_CLIENTS)('%s', (_client, post) => {
  it.each(ASKS)('gets the same as directly, and sends the same: %s', async (_what, { path, body, headers }) => {
    let status = 0
    const { records } = await sameThroughTheProxy(twins(), async (url) => {
      const answer = await post(`${url}${path}`, { ...HEADERS, ...headers }, body)
      status = answer.status
      return compared(answer)
    })
    expectRecordOf(records, { status })
  })
})

/** Where there is no curl, the tests above still make the same requests. */
const hasCurl = spawnSync('curl', ['--version']).status === 0

describe('curl', () => {
  beforeEach(({ skip }) => {
    if (!hasCurl) skip('curl is not installed')
  })
  const options = (headers: Readonly<Record<string, string>> = {}): string[] =>
    Object.entries({ ...HEADERS, ...headers }).flatMap(([name, value]) => ['-H', `${name}: ${value}`])

  async function same(
    twinsNow: Twins,
    ask: Ask,
    more: readonly string[],
  ): Promise<readonly [readonly Exchange[], CurlAnswer]> {
    const answers: CurlAnswer[] = []
    const { records } = await sameThroughTheProxy(twinsNow, async (url) => {
      const answer = await curl(`${url}${ask.path}`, [...options(ask.headers), ...more], ask.body)
      answers.push(answer)
      return { ...compared(answer), exitCode: answer.exitCode }
    })
    const [last] = answers.slice(-1)
    if (last === undefined) throw new Error('curl never ran')
    return [records, last]
  }

  it.each(ASKS)('gets the same as directly, and sends the same: %s', async (_what, ask) => {
    const [records, answer] = await same(twins(), ask, ['--data-binary', '@-'])
    expect(answer.exitCode).toBe(0)
    expectRecordOf(records, answer)
  })

  it.each([
    ['HTTP/1.0', ['--http1.0', '--data-binary', '@-']],
    ['a body in chunks, its length unknown', ['-X', 'POST', '-T', '-']],
    ['an answer that it unpacks itself', ['--compressed', '-H', 'x-sim-fault: encode@gzip', '--data-binary', '@-']],
    ['a body that waits for 100 Continue', ['-H', 'Expect: 100-continue', '--data-binary', '@-']],
  ])('gets the same as directly with %s', async (_how, more) => {
    const [records, answer] = await same(twins(), json(CHAT, { messages }), more)
    expect([answer.exitCode, answer.status]).toEqual([0, 200])
    expectRecordOf(records, answer)
  })

  it('exits with its own error where a stream is cut, as directly', async () => {
    const ask = json('/v1/messages', { messages, max_tokens: 99, stream: true }, { 'x-sim-fault': 'cut@3' })
    const [records, answer] = await same(twins(), ask, ['--data-binary', '@-'])
    expect(answer.exitCode).not.toBe(0)
    expect(records).toMatchObject([{ status: 200, outcome: 'interrupted', error: 'upstream_cut' }])
  })
})
