import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/domain/errors.ts'
import { sendHostile, unescapeBytes } from '../fakes/hostile-client.ts'
import { NORMAL_REQUEST, ambiguitiesOf, contradictionsOf, startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'

const CHAT = '/v1/chat/completions'

let stage: HostileStage
beforeAll(async () => {
  stage = await startHostileStage()
})
afterAll(() => stage.close())

type Row = {
  name: string
  statuses: readonly string[]
  records: string
  calls: string
  bytes: (evilPort: number) => Buffer
}

const ROWS: readonly Row[] = readFileSync(new URL('../fixtures/hostile/requests.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [name = '', statuses = '', records = '', calls = '', text = ''] = line.split('\t')
    const bytes = (evilPort: number): Buffer => {
      const marks = { EVIL_PORT: String(evilPort) }
      if (!text.startsWith('BODY ')) return unescapeBytes(text, marks)
      const bar = text.indexOf('|')
      const headers = text.slice('BODY '.length, bar)
      const body = unescapeBytes(text.slice(bar + 1), marks)
      const head = `POST ${CHAT} HTTP/1.1\\r\\nHost: a\\r\\n${headers === '' ? '' : `${headers}\\r\\n`}`
      return Buffer.concat([unescapeBytes(`${head}Content-Length: ${body.length}\\r\\n\\r\\n`), body])
    }
    return { name, statuses: statuses.split(' '), records, calls, bytes }
  })

describe('every request of the corpus is answered as it should be, recorded once, and lets go', () => {
  it.each(ROWS)('$name', async ({ statuses, records, calls, bytes }) => {
    const sent = bytes(stage.evilPort)
    const method = sent.subarray(0, 5).toString() === 'HEAD ' ? 'HEAD' : 'GET'
    const reply = await sendHostile(stage.proxy.port, sent, { answers: statuses.length, method })
    const settled = await stage.settled()

    expect(reply.statuses.map(String)).toEqual(
      statuses.map((either, n) =>
        either.split('|').includes(String(reply.statuses[n])) ? String(reply.statuses[n]) : either,
      ),
    )
    const told = settled.records.map(({ request, outcome, error }) =>
      [request.method, request.path, outcome, error === undefined ? [] : [error]].flat().join(' '),
    )
    expect(told.map(abbreviated).sort()).toEqual(
      listOf(records, stage.evilPort)
        .map((expected) => orAny(expected, told))
        .sort(),
    )
    const called = settled.calls.map(({ line }) => line.replace(/ HTTP\/1\.1$/, ''))
    const expectedCalls = calls === '*' ? called : listOf(calls, stage.evilPort)
    expect(called.map(abbreviated).sort()).toEqual(expectedCalls.map(abbreviated).sort())
    expect(settled.calls.flatMap((call) => ambiguitiesOf(call, stage.upstream))).toEqual([])
    expect(settled.records.flatMap(contradictionsOf)).toEqual([])
    // The last answer is the one that says what went wrong.
    const errors = settled.records.flatMap(({ error }) => (error === undefined ? [] : [ERRORS[error].status]))
    expect(errors).toEqual(errors.map(() => reply.statuses.at(-1)))
    expect(stage.evilConnections()).toBe(0)
    expect(stage.proxy.errors).toEqual([])
    // A header of ours must hold what we put there, and no more lines than ours.
    expect(reply.bytes.toString('latin1')).not.toMatch(/[\r\n]x-evil/i)
  })
})

const BODIES = ROWS.filter(({ name }) => name.startsWith('body: '))

describe('a body that only the upstream can judge', () => {
  it.each(BODIES)('reaches it byte for byte, and its answer comes back so: $name', async ({ bytes }) => {
    const sent = bytes(stage.evilPort)
    const call = stage.upstream.next()
    const reply = await sendHostile(stage.proxy.port, sent)
    const got = await call
    expect(await got.body).toEqual(sent.subarray(sent.indexOf('\r\n\r\n') + 4))
    expect(reply.bytes.toString().endsWith('\r\n\r\n{"id":"x","model":"m"}')).toBe(true)
    await stage.settled()
  })
})

it('what the client names in a body comes back in our headers as visible ASCII of bounded length', async () => {
  const names = ['a\r\nX-Evil: 1', 'a\0b', '\u{1f600}'.repeat(200), '\ud800', 'x'.repeat(200_000), '\x7f\x80é', '']
  for (const model of names) {
    const answer = await exchangeRaw(stage.proxy.port, aPost(CHAT, JSON.stringify({ model })))
    const told = answer.headers.filter(([name]) => name.toLowerCase() === 'x-understudy-model')
    expect(told).toHaveLength(1)
    expect(told[0]?.[1]).toMatch(/^[\x20-\x7e]{0,3072}$/)
    expect(answer.headers.some(([name]) => /evil/i.test(name))).toBe(false)
  }
  await stage.settled()
})

it('a normal request works after all of it, and nothing is left open', async () => {
  expect((await sendHostile(stage.proxy.port, NORMAL_REQUEST)).statuses).toEqual([200])
  await stage.settled()
  expect(await stage.watched.openSockets()).toBe(0)
})

function listOf(column: string, evilPort: number): readonly string[] {
  return column === '-'
    ? []
    : column.split('; ').map((part) => unescapeBytes(part, { EVIL_PORT: String(evilPort) }).toString('latin1'))
}

/** `GET * completed` stands for any path. */
function orAny(expected: string, told: readonly string[]): string {
  const [method = '', path = '', ...rest] = expected.split(' ')
  const same = told.find((one) => one.startsWith(`${method} `))
  return abbreviated(path === '*' && same !== undefined ? [method, same.split(' ')[1], ...rest].join(' ') : expected)
}

/** Long paths cut, so that a failure can be read. */
function abbreviated(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text
}
