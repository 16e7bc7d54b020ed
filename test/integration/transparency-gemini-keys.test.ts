import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Provider } from '../../src/domain/policy.ts'
import { aPair, seenByUpstream } from '../fakes/direct-and-proxied.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import { plain } from '../fakes/raw-upstream.ts'

const pair = aPair({ dialects: ['openai', 'anthropic', 'gemini'] })

const KEY = 'AIzaSy-secret/of+a client'
const IN_QUERY = encodeURIComponent(KEY)
const MODEL = '/v1beta/models/gemini-2.5-flash'
const EVENTS = `${MODEL}:streamGenerateContent?alt=sse`
const BODY = '{"contents":[{"parts":[{"text":"hi"}]}]}'

describe("a client's key", () => {
  it.each([
    ['recognised', `${MODEL}:generateContent`, 'POST'],
    ['passed through', '/v1beta/cachedContents', 'POST'],
  ])('in the query goes up as it was written, and stays out of the record (%s)', async (_kind, path) => {
    const query = `?a=%20b&key=${IN_QUERY}&c`
    const both = await pair().bothWays(aPost(`${path}${query}`, BODY), (call) => call.write(plain('{}')))
    expect(both.proxiedCall.line).toBe(`POST ${path}${query} HTTP/1.1`)
    expect(seenByUpstream(both.proxiedCall.headers)).toEqual(seenByUpstream(both.directCall.headers))
    expect(both.record.request.path).toBe(path)
    const { upstreamPath, ...stored } = both.record.request
    expect(upstreamPath).toContain(IN_QUERY)
    expect(JSON.stringify(stored)).not.toMatch(/AIzaSy/)
  })

  it('has the same subject wherever it is carried, another one for another key', async () => {
    const { recordOf, upstream, proxy } = pair()
    upstream.serve((call) => call.write(plain('{}')))
    const subjectOf = async (path: string, name?: string, value = ''): Promise<string> => {
      const request = aPost(path, BODY, name === undefined ? [] : [[name, value]])
      const [record] = await recordOf(() => exchangeRaw(proxy.port, request))
      return record.request.client.keySubject
    }
    const path = `${MODEL}:generateContent`
    const subjects = [
      await subjectOf(path, 'x-goog-api-key', KEY),
      await subjectOf(`${path}?key=${IN_QUERY}`),
      await subjectOf(`/gemini${path}?alt=json&k%65y=${IN_QUERY}`),
      await subjectOf(path, 'Authorization', `Bearer ${KEY}`),
    ]
    expect(subjects[0]).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set(subjects).size).toBe(1)
    expect(await subjectOf(`${path}?key=other`)).not.toBe(subjects[0])
    expect(await subjectOf(`${path}?monkey=${IN_QUERY}`)).toBe('')
    expect(await subjectOf('/openai/v1/embeddings?key=not-a-key')).toBe('')
  })

  it("gives way to the config's key, in header and query alike, and everything else stays", async () => {
    const { upstream } = pair()
    const provider: Partial<Provider> = { apiKey: 'server-key' }
    const proxy = await startProxy(upstream.url, { dialects: ['gemini'], provider })
    onTestFinished(async () => void (await proxy.close(100)))
    upstream.serve((call) => call.write(plain('{}')))
    const send = async (path: string) => {
      const arrived = upstream.next()
      await exchangeRaw(
        proxy.port,
        aPost(path, BODY, [
          ['X-Goog-Api-Key', KEY],
          ['authorization', `Bearer ${KEY}`],
          ['x-own', '1'],
        ]),
      )
      return arrived
    }
    const call = await send(`/gemini${EVENTS}&key=${IN_QUERY}&x=%2F`)
    expect(call.line).toBe(`POST ${EVENTS}&x=%2F HTTP/1.1`)
    expect(valueOf(call.headers, 'x-goog-api-key')).toBe('server-key')
    expect(valueOf(call.headers, 'authorization')).toBeUndefined()
    expect(valueOf(call.headers, 'x-own')).toBe('1')
    const other = await send(`/v1beta/files?key=${IN_QUERY}`)
    expect(other.line).toBe('POST /v1beta/files HTTP/1.1')
    expect(valueOf(other.headers, 'x-goog-api-key')).toBe('server-key')
    await proxy.recorded(2)
    expect(proxy.exchanges.map(({ request }) => request.client.keySubject)).toEqual(
      Array(2).fill(expect.stringMatching(/^\w{16}$/)),
    )
  })

  it('in the query of a WebSocket goes up with it', async () => {
    const { upstream, recordOf, proxy } = pair()
    upstream.serve((call) => call.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'))
    const path = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent'
    const arrived = upstream.next()
    const [record] = await recordOf(async () => {
      const socket = new WebSocket(`${proxy.url.replace('http', 'ws')}${path}?key=${IN_QUERY}`)
      await once(socket, 'error')
    })
    expect((await arrived).line).toBe(`GET ${path}?key=${IN_QUERY} HTTP/1.1`)
    expect(record.request).toMatchObject({ provider: 'gemini', path })
  })
})
