import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CapturedContent, type ContentPolicy, NO_CONTENT } from '../../src/domain/content.ts'
import { CONTENT_COLUMNS, contentRow } from '../../src/store/content-row.ts'
import { anExchange, aRequest } from '../fakes/an-exchange.ts'
import { anyPlanted, ordinaryText } from '../fakes/planted-secrets.ts'
import { SAID, type Said } from '../fakes/said.ts'

type Row = Readonly<Record<(typeof CONTENT_COLUMNS)[number], unknown>> & {
  readonly request: string
  readonly answer: string
}

function rowOf(
  said: Said,
  request: string,
  answer: string,
  mode: CapturedContent['mode'],
  policy: Partial<ContentPolicy> = {},
): Row {
  const exchange = anExchange({ request: aRequest({ api: said.api, dialect: said.dialect }) })
  const content: CapturedContent = {
    mode,
    policy: { ...NO_CONTENT, ...policy },
    request: Buffer.from(request),
    answer: { bytes: Buffer.from(answer), isCut: false },
  }
  const fields: readonly unknown[] = JSON.parse(contentRow(exchange, content, 'here', 'key'))
  return Object.fromEntries(CONTENT_COLUMNS.map((name, index) => [name, fields[index]])) as Row
}

/** `text` in pieces of a few characters, none of which holds a secret whole. */
const inPieces = (text: string, size: number): readonly string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size))

describe.each(SAID.map((said) => [said.name, said] as const))('%s', (_name, said) => {
  it('stores no byte of a planted secret, however its pieces came', () => {
    fc.assert(
      fc.property(
        ordinaryText,
        anyPlanted,
        anyPlanted,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('full', 'truncated', 'hash'),
        (text, asked, answered, size, mode) => {
          const answer = said.answer(inPieces(`${text} ${answered.text} ${text}`, size), `see ${answered.text}`)
          const row = rowOf(
            said,
            said.request(`${text} ${asked.text}\n${text}`),
            answer,
            mode as CapturedContent['mode'],
          )
          const stored = JSON.stringify(row)
          for (const { secret } of [asked, answered]) {
            expect(stored).not.toContain(secret)
            expect(stored).not.toContain(JSON.stringify(secret).slice(1, -1))
            expect(stored).not.toContain(JSON.stringify(JSON.stringify(secret)).slice(3, -3))
          }
          expect(row.request === '' && row.answer === '').toBe(mode === 'hash')
        },
      ),
      { numRuns: 250 },
    )
  })

  it('stores what was said, as it was said, in the same form whether it was streamed or not', () => {
    const text = 'Ünïcödé 😀 "quoted"\nand more: 12.4 %'
    const row = rowOf(said, said.request(text), said.answer(inPieces(text, 3), 'plain'), 'full')
    expect(row.request_kept).toBe('full')
    expect(JSON.parse(row.request)).toEqual(JSON.parse(said.request(text)))
    const answer: { text: string; is_truncated: boolean } = JSON.parse(row.answer)
    expect(answer.text.startsWith(text)).toBe(true)
    expect(answer.is_truncated).toBe(false)
    expect(row.redactions).toEqual({})
  })

  it('tells equal prompts and answers by their hashes, and only with the key', () => {
    const hashes = (prompt: string, text: string) => {
      const { request_hash: asked, answer_hash: answered } = rowOf(
        said,
        said.request(prompt),
        said.answer([text], ''),
        'hash',
      )
      return [asked, answered]
    }
    expect(hashes('a  b', 'c  d')).toEqual(hashes('a b', 'c d'))
    expect(hashes('a b', 'c d')[0]).not.toBe(hashes('a c', 'c d')[0])
    expect(hashes('a b', 'c d')[1]).not.toBe(hashes('a b', 'c e')[1])
    expect(hashes('a b', 'c d').join('')).toMatch(/^[\da-f]{128}$/)
  })
})

const [chat] = SAID
if (chat === undefined) throw new Error('no dialect')

it('of truncated content the ends are kept, and redacted before the cut', () => {
  const secret = 'jo.doe@example.com'
  const row = rowOf(
    chat,
    chat.request(`${'x '.repeat(500)}${secret}`),
    chat.answer(['y '.repeat(500)], ''),
    'truncated',
    { headChars: 1_150, tailChars: 20 },
  )
  expect(row.request).toMatch(/\[… \d+ characters …\]/)
  expect(row.request_kept).toBe('truncated')
  for (let headChars = 1_000; headChars < 1_200; headChars += 1) {
    const { request } = rowOf(chat, chat.request(`${'x '.repeat(500)}${secret}`), '', 'truncated', {
      headChars,
      tailChars: 0,
    })
    expect(request).not.toMatch(/jo\.d|example\.com/)
  }
})

it('what is too large is hashed and not stored', () => {
  const row = rowOf(chat, chat.request('x'.repeat(2_000)), chat.answer(['y'], ''), 'full', { maxBytes: 1_000 })
  expect(row).toMatchObject({ request: '', request_kept: 'too_large', answer_kept: 'full' })
  expect(row.request_hash).toMatch(/^[\da-f]{64}$/)
})

it('a body that is no JSON is redacted as text', () => {
  const row = rowOf(chat, '{"broken: jo@example.com', 'no JSON', 'full')
  expect(row.request).toBe('{"broken: [redacted:email]')
  expect(row.answer_kept).toBe('full')
})
