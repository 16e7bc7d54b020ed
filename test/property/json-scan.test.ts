import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interned } from '../../src/dialects/interned.ts'
import { memberOf, readString, scanObject } from '../../src/dialects/json-scan.ts'

const jsonObject = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
const indent = fc.constantFrom(0, 2, '\t', '\r\n ')

describe('scanObject', () => {
  it('finds the members that JSON.parse finds, with the values at their spans', () => {
    fc.assert(
      fc.property(jsonObject, indent, (object, spacing) => {
        const bytes = Buffer.from(JSON.stringify(object, undefined, spacing === '\r\n ' ? '\t' : spacing))
        const scanned = scanObject(bytes)
        expect(
          scanned?.members.map((member) => [
            member.key,
            JSON.parse(bytes.toString('utf8', member.value.start, member.value.end)),
          ]),
        ).toEqual(Object.entries(JSON.parse(bytes.toString())))
        expect(scanned === undefined ? undefined : bytes[scanned.close]).toBe(0x7d)
      }),
    )
  })

  it('reads every string as JSON.parse does, escapes and multi-byte text included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = Buffer.from(JSON.stringify({ a: [text, { b: text }], model: text.toWellFormed() }))
        const scanned = scanObject(bytes)
        const model = scanned === undefined ? undefined : memberOf(scanned, 'model')
        expect(model === undefined ? undefined : readString(bytes, model.value)).toBe(text.toWellFormed())
      }),
    )
  })

  it('never throws and never reads past the end, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('{', '{"a":', '{"a":"', '{"a":[{', ''),
        (noise, start) => {
          const bytes = Buffer.concat([Buffer.from(start), Buffer.from(noise)])
          const scanned = scanObject(bytes)
          for (const member of scanned?.members ?? []) expect(member.value.end).toBeLessThanOrEqual(bytes.length)
        },
      ),
    )
  })

  it('takes the last of duplicate keys, as JSON.parse does', () => {
    const bytes = Buffer.from('{"model":"first","x":{"model":"inner"},"model":"last"}')
    const scanned = scanObject(bytes)
    const model = scanned === undefined ? undefined : memberOf(scanned, 'model')
    expect(model === undefined ? undefined : readString(bytes, model.value)).toBe('last')
  })

  it('reads a key that is written with escapes', () => {
    const scanned = scanObject(Buffer.from('{"mod\\u0065l":"m"}'))
    expect(scanned?.members[0]?.key).toBe('model')
  })

  it('does not use the stack for depth', () => {
    const deep = Buffer.from(`{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},"model":"m"}`)
    expect(scanObject(deep)?.members.map((member) => member.key)).toEqual(['a', 'model'])
  })
})

describe('interned', () => {
  it('is the text of the bytes, whatever was seen before', () => {
    const alike = fc.array(fc.constantFrom(0, 0x61, 0x62, 0x80, 0xff), { maxLength: 6 })
    fc.assert(
      fc.property(fc.array(fc.oneof(alike, fc.array(fc.nat(255), { maxLength: 40 })), { maxLength: 200 }), (texts) => {
        for (const text of texts) {
          const bytes = Buffer.from(text)
          expect(interned(bytes, 0, bytes.length)).toBe(bytes.toString('latin1'))
        }
      }),
    )
  })
})
