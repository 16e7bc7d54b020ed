import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createArraySplitter } from '../../src/dialects/array-splitter.ts'

/** Text that could be taken for structure, or for the end of a string. */
const awkward = fc.oneof(fc.string(), fc.constantFrom('"', '\\', '\\"', '}]', '[{', '",{"', '\u2028', '🤔', '\n'))
const element = fc.dictionary(awkward, fc.oneof(fc.jsonValue({ maxDepth: 3 }), awkward), { maxKeys: 4 })

/**
 * The elements as text, not parsed: JSON.parse of V8 13.6 now and then reads a key such as `"\""` as a backslash, once in
 * some ten thousand of these arrays and only in a long-running process.
 */
function split(text: string, pieces: readonly number[]): { found: string[]; isClosed: boolean } {
  const found: string[] = []
  const splitter = createArraySplitter((json) => found.push(json))
  let at = 0
  for (const length of pieces) {
    splitter.feed(text.slice(at, at + length))
    at += length
  }
  splitter.feed(text.slice(at))
  return { found, isClosed: splitter.isClosed() }
}

const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 })

it('finds every element of an array, whatever is in it and however its text is cut', () => {
  fc.assert(
    fc.property(
      fc.array(element, { maxLength: 6 }),
      pieces,
      fc.constantFrom(undefined, 2),
      (elements, lengths, space) => {
        const texts = elements.map((value) => JSON.stringify(value, undefined, space))
        expect(split(`[${texts.join('\n,\r\n')}\n]`, lengths)).toEqual({ found: texts, isClosed: true })
      },
    ),
    { numRuns: 1000 },
  )
})

it('is closed by the last bracket alone', () => {
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 3 }), pieces, (elements, lengths) => {
      const texts = elements.map((value) => JSON.stringify(value))
      expect(split(`[${texts.join(',')}`, lengths)).toEqual({ found: texts, isClosed: false })
    }),
  )
})

it('takes any text without throwing, and nothing after the array', () => {
  fc.assert(
    fc.property(fc.string(), pieces, (text, lengths) => {
      const splitter = createArraySplitter(() => undefined)
      for (const length of lengths) splitter.feed(text.slice(0, length))
      splitter.feed(text)
    }),
  )
  expect(split('[{"a":1}] [{"b":2}]', [3, 4]).found).toEqual(['{"a":1}'])
})

it('gives up an element that never ends, once, and keeps nothing of it', () => {
  let givenUp = 0
  const found: string[] = []
  const splitter = createArraySplitter(
    (json) => found.push(json),
    () => givenUp++,
  )
  const piece = 'x'.repeat(1024 * 1024)
  splitter.feed('[{"a":1},{"b":"')
  for (let count = 0; count < 20; count++) splitter.feed(piece)
  splitter.feed('"},{"c":3}]')
  expect(found).toEqual(['{"a":1}'])
  expect(givenUp).toBe(1)
})
