import { describe, expect, it } from 'vitest'
import {
  ANSWER,
  aRawRoute,
  aChatPost,
  callsOf,
  CHAT,
  FAILED,
  FAILURE,
  STREAM,
  streaming,
  whole,
} from '../fakes/a-raw-route.ts'
import { CHAT_BEGUN } from '../fakes/begun-streams.ts'
import { seenByClient } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { exchangeRaw } from '../fakes/raw-client.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'

const route = aRawRoute()

describe('when every target has failed', () => {
  it('the client gets the primary’s own error, byte for byte, and is told not to ask again', async () => {
    route().primary.serve(whole(FAILURE, FAILED))
    route().spare.serve(whole('{"error":{"message":"other"}}', 'HTTP/1.1 500 Other\r\ncontent-type: application/json'))
    const direct = await exchangeRaw(route().primary.port, aChatPost(CHAT))
    const answer = await route().ask()
    expect(answer.line).toBe(direct.line)
    expect(answer.body).toEqual(direct.body)
    expect(seenByClient(answer.headers)).toEqual([...seenByClient(direct.headers), ['x-should-retry', 'false']])
    expect(await route().record()).toMatchObject({ status: 503, outcome: 'refused', error: 'upstream_error' })
    expect(callsOf(await route().record())).toEqual([
      ['primary', 'refused', undefined],
      ['fallback', 'refused', 'error'],
    ])
    expect(valueOf(answer.headers, 'x-understudy-provider')).toBe('openai')
    expect(valueOf(answer.headers, 'x-understudy-attempts')).toBe('2')
  })

  it('what the primary says of asking again does not stand beside what the proxy says', async () => {
    route().primary.serve(whole(FAILURE, `${FAILED}\r\nX-Should-Retry: true`))
    route().spare.serve(whole(FAILURE, FAILED))
    const { headers } = await route().ask()
    expect(headers.filter(([name]) => name.toLowerCase() === 'x-should-retry')).toEqual([['x-should-retry', 'false']])
  })

  it('a fallback that refuses the request for reasons of its own does not speak for the primary', async () => {
    route().primary.serve(whole(FAILURE, FAILED))
    route().spare.serve(
      whole('{"error":{"message":"who are you"}}', 'HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json'),
    )
    const answer = await route().ask()
    expect([answer.status, answer.body.toString()]).toEqual([503, FAILURE])
  })

  it('an error in a stream’s first frame comes as the primary sent it', async () => {
    const frame = 'data: {"error":{"message":"no luck","type":"server_error"}}\n\n'
    route().primary.serve(streaming(frame, false))
    route().spare.serve(streaming(frame, true))
    const answer = await route().ask(STREAM)
    expect([answer.status, answer.body.toString(), answer.end]).toEqual([200, frame, 'whole'])
    expect(valueOf(answer.headers, 'x-should-retry')).toBe('false')
    expect(await route().record()).toMatchObject({ status: 200, outcome: 'refused', error: 'upstream_stream_error' })
  })

  it('and the primary never answered, the proxy says so in its own words', async () => {
    route().primary.serve((call) => void call.socket.destroy())
    route().spare.serve((call) => void call.socket.destroy())
    const answer = await route().ask()
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'understudy_upstream_reset' } })
    expect(valueOf(answer.headers, 'x-should-retry')).toBe('false')
    expect(await route().record()).toMatchObject({ status: 502, outcome: 'unavailable', error: 'upstream_reset' })
  })

  it('an answer cut before any of it had gone out is no answer: an error that says so, and not half a body', async () => {
    const cut = async (call: RawCall): Promise<void> => {
      await call.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"a"')
      call.socket.destroy()
    }
    route().primary.serve(cut)
    route().spare.serve(cut)
    const answer = await route().ask()
    expect([answer.status, answer.end]).toEqual([502, 'whole'])
    expect(callsOf(await route().record())).toEqual([
      ['primary', 'interrupted', undefined],
      ['fallback', 'interrupted', 'error'],
    ])
  })

  it('a slow primary that was given up is a time-out; the last target may take its time', async () => {
    route().primary.serve(() => undefined)
    route().spare.serve(async (call) => {
      await call.body
      setTimeout(() => call.socket.destroy(), 800)
    })
    const answer = await route().ask()
    expect(answer.status).toBe(504)
    expect(await route().record()).toMatchObject({ outcome: 'unavailable', error: 'slow_answer' })
    expect((await route().record()).attempts[1]?.durationMs).toBeGreaterThan(700)
  })
})

describe('an answer of another account than the client’s', () => {
  const ACCOUNT = 'openai-organization: org-x\r\nSet-Cookie: a=1\r\nX-Request-Id: req_2'
  const namesIn = (headers: readonly (readonly [string, string])[]): readonly string[] =>
    headers.map(([name]) => name.toLowerCase())

  it('comes without what names that account; the client’s own is told as it comes', async () => {
    const answered = whole(ANSWER, `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${ACCOUNT}`)
    route().primary.serve(whole(FAILURE, FAILED))
    route().spare.serve(answered)
    const fallen = await route().ask()
    expect([fallen.status, valueOf(fallen.headers, 'x-understudy-provider')]).toEqual([200, 'spare-openai'])
    expect(namesIn(fallen.headers)).toContain('x-request-id')
    expect(JSON.stringify(fallen.headers)).not.toMatch(/org-x|set-cookie/i)
    route().primary.serve(answered)
    const own = await route().ask()
    expect(valueOf(own.headers, 'x-understudy-provider')).toBe('openai')
    expect(namesIn(own.headers)).toEqual(expect.arrayContaining(['openai-organization', 'set-cookie']))
  })
})

describe('what is no reason to fall back', () => {
  it.each([400, 401, 403, 404, 422])('a %i is the client’s, as it came', async (status) => {
    route().primary.serve(whole(FAILURE, `HTTP/1.1 ${status} Mine\r\ncontent-type: application/json`))
    const direct = await exchangeRaw(route().primary.port, aChatPost(CHAT))
    const answer = await route().ask()
    expect([answer.line, answer.body.toString()]).toEqual([direct.line, FAILURE])
    expect(seenByClient(answer.headers)).toEqual(seenByClient(direct.headers))
    expect(route().spare.calls).toHaveLength(0)
    expect(callsOf(await route().record())).toEqual([['primary', 'refused', undefined]])
  })

  it('nothing is tried again once a byte of an answer has gone out', async () => {
    route().primary.serve(async (call) => {
      await streaming(CHAT_BEGUN, false)(call)
      setTimeout(() => call.socket.resetAndDestroy(), 50)
    })
    const answer = await route().ask(STREAM)
    expect([answer.status, answer.body.toString(), answer.end]).toEqual([200, CHAT_BEGUN, 'cut'])
    expect(route().spare.calls).toHaveLength(0)
    expect(callsOf(await route().record())).toEqual([['primary', 'interrupted', undefined]])
  })

  it('an answer too long to hold goes out as it comes, and then a cut is the client’s', async () => {
    const half = Buffer.alloc(400_000, 'x')
    route().primary.serve(async (call) => {
      await call.body
      await call.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 800000\r\n\r\n')
      await call.write(half)
      setTimeout(() => call.socket.destroy(), 300)
    })
    const answer = await route().ask()
    expect([answer.status, answer.body.length, answer.end]).toEqual([200, 400_000, 'cut'])
    expect(route().spare.calls).toHaveLength(0)
  })
})
