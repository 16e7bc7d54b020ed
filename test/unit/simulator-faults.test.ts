import { connect } from 'node:net'
import fc from 'fast-check'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { DEFAULT_CATALOGUE } from '../../src/simulator/catalogue.ts'
import { NO_FAULTS, parseFaults } from '../../src/simulator/faults.ts'
import { aModel } from '../../src/simulator/model.ts'
import { startSimulator } from '../../src/simulator/start-simulator.ts'
import { aChat, aSimulator, post } from '../fakes/a-simulator.ts'

const simulator = aSimulator()
const chatUrl = (): string => `${simulator().url}/v1/chat/completions`

/** The raw bytes of an answer up to the end of the connection, and whether it ended with a reset. */
async function rawAnswer(fault: string, body: Record<string, unknown>): Promise<{ text: string; wasReset: boolean }> {
  const json = JSON.stringify(body)
  const socket = connect(simulator().port, '127.0.0.1')
  const chunks: Buffer[] = []
  let wasReset = false
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', (error) => (wasReset = 'code' in error && error.code === 'ECONNRESET'))
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nX-Sim-Fault: ${fault}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  )
  await new Promise((resolve) => socket.on('close', resolve))
  return { text: Buffer.concat(chunks).toString(), wasReset }
}

describe('faults before the answer', () => {
  it.each([500, 502, 503, 529])('answers %i in the dialect’s shape', async (status) => {
    const openai = await post(chatUrl(), aChat(), `status@${status}`)
    expect([openai.status, await openai.json()]).toMatchObject([
      status,
      { error: { message: expect.any(String), type: expect.any(String) } },
    ])
    const anthropic = await post(`${simulator().url}/v1/messages`, aChat(), `status@${status}`)
    expect([anthropic.status, await anthropic.json()]).toMatchObject([
      status,
      { type: 'error', error: { type: expect.any(String) } },
    ])
  })

  it('answers 429 with the wait that was asked for', async () => {
    const { headers } = await post(chatUrl(), aChat(), 'status@429, retry-after@7')
    expect([headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual(['7', '7000'])
  })

  it('breaks the connection without a byte', async () => {
    expect(await rawAnswer('cut', aChat())).toEqual({ text: '', wasReset: false })
    expect(await rawAnswer('reset', aChat())).toEqual({ text: '', wasReset: true })
    expect(simulator().requests().at(-1)?.end?.how).toBe('broken_off')
  })

  it('falls silent until the client leaves', async () => {
    const arriving = simulator().nextRequest()
    const leave = new AbortController()
    const asking = fetch(chatUrl(), {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'x-sim-fault': 'hang' },
      body: JSON.stringify(aChat()),
      signal: leave.signal,
    })
    const received = await arriving
    setTimeout(() => leave.abort(), 100)
    await expect(asking).rejects.toThrow(/abort/)
    expect((await received.whenEnded()).atMs - received.receivedAtMs).toBeGreaterThan(90)
  })

  it('says something that is not HTTP', async () => {
    expect((await rawAnswer('garbage@http', aChat())).text).toMatch(/^SSH-2.0/)
    await expect(post(chatUrl(), aChat(), 'garbage@http')).rejects.toThrow(/fetch failed/)
  })

  it('calls HTML JSON', async () => {
    const response = await post(chatUrl(), aChat(), 'garbage@json')
    expect([
      response.status,
      response.headers.get('content-type'),
      (await response.text()).startsWith('<html>'),
    ]).toEqual([200, 'application/json', true])
  })
})

describe('faults in a whole body', () => {
  const bodyOf = (raw: string): string => raw.slice(raw.indexOf('\r\n\r\n') + 4)
  const promised = (raw: string): number => Number(/content-length: (\d+)/i.exec(raw)?.[1])

  it('cuts after so many bytes of a longer promise', async () => {
    const { text } = await rawAnswer('cut@10', aChat())
    expect(bodyOf(text)).toHaveLength(10)
    expect(promised(text)).toBeGreaterThan(100)
  })

  it('ends early in a well-framed way', async () => {
    const { text } = await rawAnswer('end@10', aChat())
    expect([bodyOf(text).length, promised(text)]).toEqual([10, 10])
  })

  it('promises more or less than it sends', async () => {
    const more = (await rawAnswer('length@+5', aChat())).text
    expect(promised(more) - bodyOf(more).length).toBe(5)
    const less = (await rawAnswer('length@-5', aChat())).text
    expect(promised(less) - bodyOf(less).length).toBe(-5)
  })

  it('makes the SDK throw when it cuts', async () => {
    const client = new OpenAI({
      apiKey: 'x',
      baseURL: `${simulator().url}/v1`,
      maxRetries: 0,
      defaultHeaders: { 'x-sim-fault': 'cut@20' },
    })
    await expect(
      client.chat.completions.create({ model: 'sim-plain', messages: [{ role: 'user', content: 'Hi' }] }),
    ).rejects.toThrow(/terminated|Premature|other side closed|Connection error/)
  })
})

describe('the header that forces faults', () => {
  it('is read part by part', () => {
    expect(parseFaults('heartbeat@2, cut@3')).toEqual({ ...NO_FAULTS, heartbeats: 2, stop: { how: 'cut', after: 3 } })
    expect(parseFaults('hang')).toEqual({ ...NO_FAULTS, stop: { how: 'hang', after: undefined } })
    expect(parseFaults('length@-3,crlf')).toEqual({ ...NO_FAULTS, lengthOffBy: -3, isCrlf: true })
  })

  it('teaches its grammar to those who get it wrong', async () => {
    expect(parseFaults('cutt@3')).toMatch(/unknown fault "cutt".*cut, reset, hang/)
    expect(parseFaults('status@200')).toMatch(/status@200/)
    const response = await post(chatUrl(), aChat(), 'explode')
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining('unknown fault "explode"') } },
    ])
  })

  it('never throws, whatever it holds', () => {
    fc.assert(fc.property(fc.string(), (text) => ['string', 'object'].includes(typeof parseFaults(text))))
  })
})

describe('models that misbehave by chance', () => {
  const flaky = aModel('flaky', {
    faults: [
      { fault: 'status@503', probability: 0.3 },
      { fault: 'status@500', probability: 0.2 },
    ],
  })
  const statuses = async (seed: number): Promise<readonly number[]> => {
    const own = await startSimulator({ seed, models: [flaky] })
    const seen: number[] = []
    for (let index = 0; index < 60; index += 1)
      seen.push((await post(`${own.url}/v1/chat/completions`, aChat('Hi', { model: 'flaky' }))).status)
    await own.close()
    return seen
  }

  it('do so with the probabilities stated, in the same order for the same seed', async () => {
    const [first, again, other] = [await statuses(1), await statuses(1), await statuses(2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    const share = (status: number): number => first.filter((seen) => seen === status).length / first.length
    expect(share(503)).toBeGreaterThan(0.1)
    expect(share(500)).toBeGreaterThan(0.05)
    expect(share(200)).toBeGreaterThan(0.3)
  })

  it('come in the default catalogue with faults that parse', () => {
    const faults = DEFAULT_CATALOGUE.flatMap((model) => model.faults.map(({ fault }) => parseFaults(fault)))
    expect(faults.length).toBeGreaterThan(5)
    expect(faults.filter((fault) => typeof fault === 'string')).toEqual([])
  })

  it('are refused when their faults make no sense', () => {
    expect(() =>
      simulator().setModel('bad', {
        faults: [
          { fault: 'cut', probability: 0.7 },
          { fault: 'hang', probability: 0.7 },
        ],
      }),
    ).toThrow(/sum to 1.4/)
    expect(() => simulator().setModel('bad', { faults: [{ fault: 'nope', probability: 1 }] })).toThrow(
      /model bad: unknown fault "nope"/,
    )
  })
})
