import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createAnswerParser } from '../bench/answer-parser.ts'

/** An answer as it stands on the wire, and the body length that a client must find in it. */
const anAnswer = fc
  .record({
    status: fc.integer({ min: 200, max: 599 }),
    parts: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 6 }),
    isChunked: fc.boolean(),
  })
  .map(({ status, parts, isChunked }) => {
    const body = parts.join('')
    const head = (framing: string): string => `HTTP/1.1 ${status} Some Words\r\nDate: today\r\n${framing}\r\n\r\n`
    const chunks = parts.map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`).join('')
    return {
      status,
      bodyBytes: Buffer.byteLength(body),
      wire: Buffer.from(
        isChunked
          ? `${head('Transfer-Encoding: chunked')}${chunks}0\r\n\r\n`
          : `${head(`Content-Length: ${Buffer.byteLength(body)}`)}${body}`,
      ),
    }
  })

it('finds status, body length and end of each answer, wherever the network cuts the bytes', () => {
  fc.assert(
    fc.property(
      fc.array(anAnswer, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(400), { maxLength: 12 }),
      (answers, cuts) => {
        const parser = createAnswerParser()
        for (const { wire, status, bodyBytes } of answers) {
          const pieces = cutAt(wire, cuts)
          const done = pieces.map((piece) => parser.feed(piece).isDone)
          expect(done).toEqual(pieces.map((_, index) => index === pieces.length - 1))
          expect(parser.last()).toEqual({ status, bodyBytes })
        }
      },
    ),
  )
})

it('refuses bytes that come after the end of an answer', () => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
  expect(() => createAnswerParser().feed(Buffer.from(`${answer}!`))).toThrow('after the end')
})

it('refuses an answer without framing', () => {
  expect(() => createAnswerParser().feed(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))).toThrow('neither')
})

function cutAt(wire: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...new Set(cuts.filter((cut) => cut > 0 && cut < wire.length)), wire.length].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => wire.subarray(places[index], end))
}
