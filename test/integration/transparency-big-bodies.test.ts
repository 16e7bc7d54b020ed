import { createHash } from 'node:crypto'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bigCompletion, digestOf, startBigProvider, tokenStream } from '../fakes/big-provider.ts'
import type { BigProvider } from '../fakes/big-provider.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import type { ProxyHome, ProxyProcess } from '../fakes/proxy-process.ts'
import { peakWhile, residentBytes } from '../fakes/resident-memory.ts'

const MB = 1024 * 1024
const MILLION = 1_000_000
const TEN_MB = 10 * MB
/** In this time a stream that is not held back gets on. */
const SETTLE_MS = 500

/** V8 lets itself have 100 MB of garbage above what lives; with less of it, resident memory tells what is kept. */
const LITTLE_GARBAGE = '--max-semi-space-size=4'

let provider: BigProvider
let home: ProxyHome
let proxy: ProxyProcess
beforeAll(async () => {
  provider = await startBigProvider()
  home = await aProxyHome(settingsFor(provider.url), { environment: { NODE_OPTIONS: LITTLE_GARBAGE } })
  proxy = await home.start()
  await proxy.stored()
})
afterAll(async () => {
  await home?.close()
  provider?.close()
})

const STREAM = '{"model":"m-big","stream":true}'
const STREAM_WITH_USAGE = '{"model":"m-big","stream":true,"stream_options":{"include_usage":true}}'

/** One chat call through the proxy; resolves with its head, the body not yet read. */
function call(headers: Readonly<Record<string, string>>, body: string | Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${home.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-test', ...headers, 'content-length': Buffer.byteLength(body) },
    })
    outgoing.once('error', reject).once('response', (answer) => {
      onTestFinished(() => void answer.destroy())
      resolve(answer.on('error', () => undefined))
    })
    outgoing.end(body)
  })
}

/** Reads an answer as fast as it comes, and keeps none of it. */
async function digestOfAnswer(answer: IncomingMessage): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const part of answer) {
    hash.update(part)
    bytes += part.length
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** The rows of answers' only attempts, in the order of the answers, once they are stored. */
async function attemptsOf(...answers: readonly IncomingMessage[]): Promise<readonly unknown[]> {
  await proxy.drained()
  const rows = await proxy.rows<{ readonly id: string }>(
    'SELECT toString(trace_id) AS id, outcome, response_bytes, stream_events, text_output_tokens FROM attempts',
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  return answers.map(({ headers }) => byId.get(String(headers['x-understudy-trace-id'])))
}

describe('a stream of a million tokens', () => {
  it.each([
    // Its usage is asked for and taken out again, event by event: a filter between provider and client.
    ['that did not ask for usage', STREAM, false],
    ['that asked for usage itself', STREAM_WITH_USAGE, true],
  ])(
    'arrives whole at a client %s, is recorded to the last token, and leaves no memory behind',
    async (_, body, asks) => {
      const ask = async (tokens: number) => {
        const answer = await call({ 'x-big-tokens': String(tokens) }, body)
        return { answer, digest: await digestOfAnswer(answer) }
      }
      // V8 takes some time to find the size of heap that suits it.
      await ask(MILLION / 4)
      const before = residentBytes(proxy.pid)
      const { result, peakBytes } = await peakWhile(proxy.pid, () => ask(MILLION))
      const sent = digestOf(tokenStream(MILLION, true))
      expect(result.digest).toEqual(digestOf(tokenStream(MILLION, asks)))
      expect(sent.bytes).toBeGreaterThan(160 * MB)
      expect(peakBytes - before).toBeLessThan(64 * MB)
      expect(await attemptsOf(result.answer)).toMatchObject([
        {
          outcome: 'completed',
          response_bytes: sent.bytes,
          // The last choice, the usage and [DONE] are events as well.
          stream_events: MILLION + 3,
          text_output_tokens: MILLION,
        },
      ])
    },
  )
})

describe('clients that read nothing for a while', () => {
  const CLIENTS = 4
  /** 88 MB each: Linux alone may keep 74 MB of a stream in the buffers of its four sockets. */
  const TOKENS = MILLION / 2

  /** Opens streams that nobody reads, until the provider can send no more; at last the memory that this took. */
  const holdBack = async (tokens: number, body: string) => {
    const before = residentBytes(proxy.pid)
    const { result: answers, peakBytes } = await peakWhile(proxy.pid, async () => {
      const unread = await Promise.all(
        Array.from({ length: CLIENTS }, () => call({ 'x-big-tokens': String(tokens) }, body)),
      )
      // It waits for the proxy now and then while that still takes what comes: held back is who can send no more.
      for (let sentBytes = -1; sentBytes !== provider.streams().sentBytes; await sleep(SETTLE_MS))
        sentBytes = provider.streams().sentBytes
      expect(provider.streams()).toMatchObject({ open: CLIENTS, heldBack: CLIENTS })
      return unread
    })
    return { answers, grownBytes: peakBytes - before }
  }

  it.each([
    ['that did not ask for usage', STREAM, false],
    ['that asked for usage itself', STREAM_WITH_USAGE, true],
  ])('%s hold the provider back, not the proxy’s memory, and miss nothing', async (_, body, asks) => {
    const { answers, grownBytes } = await holdBack(TOKENS, body)
    expect(grownBytes).toBeLessThan(64 * MB)
    const digests = await Promise.all(answers.map(digestOfAnswer))
    expect(new Set(digests.map(({ sha256 }) => sha256))).toEqual(new Set([digestOf(tokenStream(TOKENS, asks)).sha256]))
    expect(await attemptsOf(...answers)).toMatchObject(
      answers.map(() => ({ outcome: 'completed', text_output_tokens: TOKENS })),
    )
  })

  it('take no more memory for streams twice as long, and leaving take their calls with them', async () => {
    const { answers, grownBytes } = await holdBack(MILLION, STREAM)
    expect(grownBytes).toBeLessThan(64 * MB)
    for (const answer of answers) answer.destroy()
    await expect.poll(() => provider.streams().open, { timeout: 20_000 }).toBe(0)
    // Chat completions tell their usage at the end: of these it is not known.
    expect(await attemptsOf(...answers)).toMatchObject(
      answers.map(() => ({ outcome: 'cancelled', text_output_tokens: null })),
    )
  })
})

describe('bodies of ten megabytes both ways', () => {
  const text = 'größe 東京 🚀 '
  const content = text.repeat(Math.ceil(TEN_MB / Buffer.byteLength(text)))
  const body = Buffer.from(JSON.stringify({ model: 'm-big', messages: [{ role: 'user', content }] }))
  const WHOLE = { sent: digestOf([body]).sha256, got: digestOf([bigCompletion(TEN_MB)]) }

  const ask = async () => {
    const answer = await call({ 'x-big-bytes': String(TEN_MB) }, body)
    const got = await digestOfAnswer(answer)
    return { answer, seen: { sent: answer.headers['x-body-sha256'], got } }
  }
  const askTimes = async (times: number) => {
    let last = await ask()
    for (let count = 1; count < times; count++) {
      expect(last.seen).toEqual(WHOLE)
      last = await ask()
    }
    return last
  }

  it('arrive byte for byte, again and again, in memory that does not grow', async () => {
    await askTimes(6)
    const before = residentBytes(proxy.pid)
    const { result: last, peakBytes } = await peakWhile(proxy.pid, () => askTimes(18))
    expect(last.seen).toEqual(WHOLE)
    // 360 MB went through. A body is whole in memory once, while it is read, and garbage until it is collected.
    expect(peakBytes - before).toBeLessThan(120 * MB)
    expect(await attemptsOf(last.answer)).toMatchObject([
      { outcome: 'completed', response_bytes: WHOLE.got.bytes, text_output_tokens: Math.ceil(TEN_MB / 4) },
    ])
  })

  it('arrive byte for byte when eight come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, ask))
    expect(answers.map(({ seen }) => seen)).toEqual(answers.map(() => WHOLE))
  })
})
