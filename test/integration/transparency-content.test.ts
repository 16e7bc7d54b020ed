import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import type { CapturedContent } from '../../src/domain/content.ts'
import { spareRoutes, startRouted } from '../fakes/a-routed-proxy.ts'
import { SAID } from '../fakes/said.ts'

const [chat, chatStream] = SAID
if (chat === undefined || chatStream === undefined) throw new Error('no dialect')

async function anUpstream(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const says = (text: string) => (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(chat.answer([text], ''))
const fails = (text: string) => (response: ServerResponse) =>
  void response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: text } }))

/** A proxy that keeps what is said, and the contents it has recorded. */
async function aKeeper(primary: string, spare: string, yaml: string) {
  const contents: (CapturedContent | undefined)[] = []
  const recorder = {
    record: (_exchange: unknown, release: () => void, content?: CapturedContent) => {
      contents.push(content)
      setImmediate(release)
    },
  }
  const proxy = await startRouted(primary, spare, yaml, { stages: { recorder } })
  onTestFinished(async () => void (await proxy.close(200)))
  const ask = (path = chat?.path ?? '', body = chat?.request('Hello') ?? ''): Promise<string> =>
    fetch(proxy.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
      body,
    }).then((answer) => answer.text())
  return { contents, ask }
}

const answerOf = (content: CapturedContent | undefined): string => Buffer.from(content?.answer?.bytes ?? []).toString()

it('keeps the answer that the client got, be it the fallback or, where all failed, the first', async () => {
  const good = await anUpstream(says('from the spare'))
  const bad = await anUpstream(fails('from the primary'))
  const worse = await anUpstream(fails('from the spare'))
  const saved = await aKeeper(bad, good, `${spareRoutes()}content: { mode: full }\n`)
  const answer = await saved.ask()
  expect(answer).toContain('from the spare')
  expect(saved.contents.map(answerOf)).toEqual([answer])
  const lost = await aKeeper(bad, worse, `${spareRoutes()}content: { mode: full }\n`)
  const error = await lost.ask()
  expect(error).toContain('from the primary')
  expect(lost.contents.map(answerOf)).toEqual([error])
})

it('keeps by the provider that was called, and the route above that', async () => {
  const good = await anUpstream(says('good'))
  const bad = await anUpstream(fails('bad'))
  const bySpare = await aKeeper(bad, good, `${spareRoutes()}content: { providers: { spare-openai: hash } }\n`)
  await bySpare.ask()
  expect(bySpare.contents.map((content) => content?.mode)).toEqual(['hash'])
  const off = await aKeeper(bad, good, `${spareRoutes()}content: { mode: full, routes: { openai: off } }\n`)
  await off.ask()
  expect(off.contents).toEqual([undefined])
})

it('keeps the request as the client wrote it and the answer decoded, and passes on what came', async () => {
  const zipped = gzipSync(chat.answer(['zipped'], ''))
  const upstream = await anUpstream(
    (response) =>
      void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(zipped),
  )
  const { contents, ask } = await aKeeper(upstream, upstream, 'content: { mode: full }\n')
  const answer = await ask()
  expect(contents.map(answerOf)).toEqual([answer])
  expect(Buffer.from(contents[0]?.request ?? []).toString()).toBe(chat.request('Hello'))
})

it('keeps what there was of a stream that is cut, and says so', async () => {
  const whole = chatStream.answer(['one ', 'two ', 'three'], '')
  const upstream = await anUpstream((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(whole.slice(0, 600), () => setTimeout(() => response.destroy(), 50))
  })
  const { contents, ask } = await aKeeper(upstream, upstream, 'content: { mode: full }\n')
  await expect(ask(chatStream.path, chatStream.request('Hello'))).rejects.toThrow('terminated')
  await expect.poll(() => contents.length).toBe(1)
  expect(contents[0]?.answer?.isCut).toBe(true)
  expect(whole.startsWith(answerOf(contents[0]))).toBe(true)
})

it('lets go of an answer that grows too large, which the client gets whole', async () => {
  const upstream = await anUpstream(says('x'.repeat(300_000)))
  const { contents, ask } = await aKeeper(upstream, upstream, 'content: { mode: full, max_size: 100KB }\n')
  expect((await ask()).length).toBeGreaterThan(300_000)
  expect(contents[0]?.answer).toEqual({ bytes: undefined, isCut: false })
})

it('keeps nothing of what is relayed unread or refused', async () => {
  const upstream = await anUpstream(says('x'))
  const { contents, ask } = await aKeeper(upstream, upstream, 'content: { mode: full }\n')
  await ask('/openai/v1/files')
  await ask('/p/nobody/v1/chat/completions')
  expect(contents).toEqual([undefined, undefined])
})
