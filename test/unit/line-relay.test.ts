import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLineRelay } from '../../src/workers/line-relay.ts'

it('passes on whole lines only, whatever pieces they come in, and says what was cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' })),
      fc.string(),
      fc.integer({ min: 1, max: 9 }),
      (texts, last, size) => {
        const lines = texts.map((text) => `${text.replaceAll('\n', '')}\n`)
        const cut = last.replaceAll('\n', '')
        const written: string[] = []
        const relay = createLineRelay((some) => void written.push(some))
        const bytes = Buffer.from(lines.join('') + cut)
        for (let at = 0; at < bytes.length; at += size) relay.take(bytes.subarray(at, at + size))
        expect(written.join('')).toBe(lines.join(''))
        expect(written.every((some) => some.endsWith('\n'))).toBe(true)
        expect(relay.end()).toEqual({ cut })
      },
    ),
  )
})
