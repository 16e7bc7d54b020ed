import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as nodeRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { request as undiciRequest } from 'undici'
import type { Header } from './http-message.ts'

export type PlainAnswer = {
  readonly status: number
  /** Names in lower case, in the order in which they came, as far as the client keeps it. */
  readonly headers: readonly Header[]
  readonly body: Buffer
}

export type PlainClient = (url: string, headers: Readonly<Record<string, string>>, body: Buffer) => Promise<PlainAnswer>

/** Posts with the HTTP clients that programs use when they use no SDK. None of them decodes a body, `fetch` apart. */
export const PLAIN_CLIENTS: readonly (readonly [string, PlainClient])[] = [
  ['fetch', postWithFetch],
  ['undici.request', postWithUndici],
  ['node:http', postWithNode],
  ['node:http in chunks', postInChunks],
]

async function postWithFetch(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<PlainAnswer> {
  const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
  return { status: answer.status, headers: [...answer.headers], body: Buffer.from(await answer.arrayBuffer()) }
}

async function postWithUndici(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<PlainAnswer> {
  const answer = await undiciRequest(url, { method: 'POST', headers, body })
  const named = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((text): Header => [name, text]),
  )
  return { status: answer.statusCode, headers: named, body: Buffer.from(await answer.body.arrayBuffer()) }
}

function postWithNode(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<PlainAnswer> {
  return postNode(url, { ...headers, 'content-length': String(body.length) }, [body])
}

/** Without a content length, in pieces of any size. */
function postInChunks(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<PlainAnswer> {
  const third = Math.ceil(body.length / 3)
  return postNode(url, headers, [body.subarray(0, third), body.subarray(third, 2 * third), body.subarray(2 * third)])
}

function postNode(
  url: string,
  headers: Readonly<Record<string, string>>,
  parts: readonly Buffer[],
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = nodeRequest(url, { method: 'POST', headers }, (answer) => {
      const { rawHeaders, statusCode: status = 0 } = answer
      const named = rawHeaders.flatMap((name, index) =>
        index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [],
      )
      buffer(answer).then((body) => resolve({ status, headers: named, body }), reject)
    })
    outgoing.once('error', reject)
    for (const part of parts) outgoing.write(part)
    outgoing.end()
  })
}

export type CurlAnswer = PlainAnswer & {
  /** 0, or why curl gave up, as its manual lists it. */
  readonly exitCode: number
}

/** Runs curl on `url` with `body` on its standard input; `options` say what is done with that (`--data-binary @-`, `-T -`). */
export async function curl(url: string, options: readonly string[], body: Buffer): Promise<CurlAnswer> {
  const child = spawn('curl', ['--silent', '--no-buffer', '--include', '--max-time', '60', ...options, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  child.stdin.on('error', () => undefined) // curl may end before it has read everything
  child.stdin.end(body)
  const closed = once(child, 'close')
  const output = await buffer(child.stdout)
  const [exitCode]: unknown[] = await closed
  return { ...readIncluded(output), exitCode: typeof exitCode === 'number' ? exitCode : -1 }
}

/** Splits what `--include` prints: the heads of interim answers, the head, the body. */
function readIncluded(output: Buffer): PlainAnswer {
  let rest = output
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return { status: 0, headers: [], body: rest }
    const [line = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    rest = rest.subarray(end + 4)
    const status = Number(line.split(' ')[1])
    if (status < 200) continue
    const headers = lines.map((text): Header => {
      const colon = text.indexOf(':')
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()]
    })
    return { status, headers, body: rest }
  }
}
