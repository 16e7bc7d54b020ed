import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { SPARE_KEY } from '../fakes/a-routed-proxy.ts'
import {
  aRawRoute,
  ANSWER,
  aChatPost,
  callsOf,
  CHAT,
  DONE,
  FAILED,
  FAILURE,
  STREAM,
  streaming,
  whole,
} from '../fakes/a-raw-route.ts'
import { valueOf } from '../fakes/http-message.ts'
import { RawClient } from '../fakes/raw-client.ts'
import { chunk, STREAM_HEAD } from '../fakes/raw-upstream.ts'

const route = aRawRoute()

describe('what an answer says', () => {
  const asksJson = '{"model":"m","messages":[],"response_format":{"type":"json_object"}}'
  const saying = (content: string | null): string =>
    JSON.stringify({
      ...JSON.parse(ANSWER),
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    })

  it.each([
    ['no JSON', 'Sure! Here it is'],
    ['half of it', '{"a":'],
    ['nothing', ''],
  ])('%s where JSON was asked for leads to the next target', async (_what, content) => {
    route().primary.serve(whole(saying(content)))
    const answer = await route().ask(asksJson)
    expect(answer.body.toString()).toBe(ANSWER)
    expect(callsOf(await route().record())).toEqual([
      ['primary', 'completed', undefined],
      ['fallback', 'completed', 'invalid_json'],
    ])
  })

  it('is not looked at where no JSON was asked for, nor where it is a call of a tool', async () => {
    route().primary.serve(whole(saying('Sure!')))
    expect((await route().ask()).body.toString()).toBe(saying('Sure!'))
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
    const calling = JSON.stringify({
      ...JSON.parse(ANSWER),
      choices: [
        { index: 0, message: { role: 'assistant', content: null, tool_calls: [call] }, finish_reason: 'tool_calls' },
      ],
    })
    route().primary.serve(whole(calling))
    expect((await route().ask(asksJson)).body.toString()).toBe(calling)
    expect(route().spare.calls).toHaveLength(0)
  })

  it('both calls cost, and the trace says what they cost together', async () => {
    route().primary.serve(whole(saying('Sure!')))
    await route().ask(asksJson)
    const { attempts } = await route().record()
    expect(attempts.map(({ usage }) => usage?.textOutputTokens)).toEqual([4, 4])
  })

  it('a context window that is too small leads to the next target', async () => {
    route().primary.serve(
      whole(
        '{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}',
        'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json',
      ),
    )
    expect((await route().ask()).body.toString()).toBe(ANSWER)
    expect((await route().record()).attempts[1]?.fallbackReason).toBe('context_window')
  })

  it('a compressed error is read, and a compressed stream’s first frame too', async () => {
    const gzip = 'content-type: application/json\r\ncontent-encoding: gzip'
    route().primary.serve(
      whole(gzipSync('{"error":{"code":"context_length_exceeded"}}'), `HTTP/1.1 400 Bad\r\n${gzip}`),
    )
    expect((await route().ask()).body.toString()).toBe(ANSWER)
    route().primary.serve(async (call) => {
      await call.body
      const head = STREAM_HEAD.replace('\r\n\r\n', '\r\ncontent-encoding: gzip\r\n\r\n')
      const frame = gzipSync('data: {"error":{"message":"no luck","type":"server_error"}}\n\n')
      await call.write(Buffer.concat([Buffer.from(head), chunk(frame), chunk()]))
    })
    route().spare.serve(streaming(DONE, true))
    expect((await route().ask(STREAM)).body.toString()).toBe(DONE)
    const [first, second] = await route().proxy.recorded(2)
    expect([first, second].map((one) => one?.attempts[1]?.fallbackReason)).toEqual(['context_window', 'error'])
  })

  it('a refusal that begins a stream is heard out, and then left', async () => {
    const refusal = `data: ${JSON.stringify({ id: 'c', model: 'm-1', choices: [{ index: 0, delta: { refusal: 'No.' }, finish_reason: null }] })}\n\ndata: [DONE]\n\n`
    route().primary.serve(streaming(refusal, true))
    route().spare.serve(streaming(DONE, true))
    expect((await route().ask(STREAM)).body.toString()).toBe(DONE)
    expect(callsOf(await route().record())).toEqual([
      ['primary', 'completed', undefined],
      ['fallback', 'completed', 'refusal'],
    ])
  })

  it('events that only open a stream do not settle it', async () => {
    route().primary.serve(async (call) => {
      await call.body
      const opening = `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] })}\n\n`
      await call.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...[': ping\n\n', opening].map((text) => chunk(text))]))
      setTimeout(() => call.socket.resetAndDestroy(), 30)
    })
    route().spare.serve(streaming(DONE, true))
    expect((await route().ask(STREAM)).body.toString()).toBe(DONE)
    expect(await route().record()).toMatchObject({ outcome: 'completed' })
  })
})

describe('a client that leaves', () => {
  it('while an answer is held back takes the call with it, and that is all', async () => {
    const coming = route().primary.next()
    route().primary.serve(async (call) => {
      await call.write(`${STREAM_HEAD}${chunk(': wait\n\n').toString()}`)
    })
    const client = new RawClient(route().proxy.port)
    await client.send(aChatPost(STREAM), 'POST')
    const call = await coming
    setTimeout(() => client.socket.destroy(), 50)
    await call.closed
    expect(await route().record()).toMatchObject({ status: 0, outcome: 'cancelled', error: 'client_closed' })
    expect(callsOf(await route().record())).toEqual([['primary', 'cancelled', undefined]])
    expect(route().spare.calls).toHaveLength(0)
  })

  it('while the fallback is asked leaves a record of both calls', async () => {
    route().primary.serve(whole(FAILURE, FAILED))
    route().spare.serve(() => undefined)
    const coming = route().spare.next()
    const client = new RawClient(route().proxy.port)
    await client.send(aChatPost(CHAT), 'POST')
    const call = await coming
    client.socket.destroy()
    await call.closed
    expect(await route().record()).toMatchObject({ status: 0, outcome: 'cancelled', responseBytes: 0 })
    expect(callsOf(await route().record())).toEqual([
      ['primary', 'refused', undefined],
      ['fallback', 'cancelled', 'error'],
    ])
  })
})

it('the client is told where its answer comes from, and why', async () => {
  route().primary.serve(whole(FAILURE, FAILED))
  const answer = await route().ask('{"model":"m\u00fc","messages":[]}')
  const own = Object.fromEntries(answer.headers.filter(([name]) => name.startsWith('x-understudy-')))
  expect(own).toEqual({
    'x-understudy-trace-id': (await route().record()).request.id,
    'x-understudy-route': 'openai',
    'x-understudy-provider': 'spare-openai',
    'x-understudy-model': 'm%C3%BC',
    'x-understudy-attempts': '2',
    'x-understudy-overhead-ms': expect.stringMatching(/^\d+\.\d{3}$/),
    'x-understudy-fallbacks': 'spare-openai%2Fm%C3%BC',
    'x-understudy-attempted': 'openai%2Fm%C3%BC, spare-openai%2Fm%C3%BC',
    'x-understudy-fallback-reason': 'error',
  })
  expect(valueOf(answer.headers, 'x-should-retry')).toBeUndefined()
  expect(JSON.stringify(route().spare.calls[0]?.headers)).toContain(SPARE_KEY)
})
