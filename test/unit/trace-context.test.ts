import fc from 'fast-check'
import { randomUUIDv7 } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readTraceParent, spanIdOf, traceIdOf, traceparentOf } from '../../src/domain/trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const HEADER = `00-${TRACE}-${SPAN}-01`
const REQUEST = '01a1f886-fba7-79ab-91f9-70455bcf9043'
const ATTEMPT = '01a1f886-fba8-7ed6-9ba5-1201b27fd2ac'

describe('an incoming traceparent', () => {
  it('names the span of the caller', () => {
    expect(readTraceParent(HEADER, 'a=1')).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1, state: 'a=1' })
  })

  it('is taken from a version to come, which may say more', () => {
    expect(readTraceParent(`cc-${TRACE}-${SPAN}-03-more`, undefined)).toMatchObject({ traceId: TRACE, flags: 3 })
  })

  it.each([
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more than version 00 has', `${HEADER}-more`],
    ['upper case', HEADER.toUpperCase()],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['two of them, as Node joins them', `${HEADER}, ${HEADER}`],
    ['nothing', ''],
  ])('is ignored with %s', (_, header) => {
    expect(readTraceParent(header, 'a=1')).toBeUndefined()
  })

  it('is kept without a tracestate that is longer than anyone must carry', () => {
    expect(readTraceParent(HEADER, 'a='.padEnd(513, 'x'))?.state).toBeUndefined()
  })

  it('never throws, and what it accepts it also writes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/)),
        (header) => {
          const parent = readTraceParent(header, undefined)
          if (parent === undefined) return
          const written = readTraceParent(traceparentOf(REQUEST, ATTEMPT, parent, true), undefined)
          expect(written).toMatchObject({ traceId: parent.traceId, spanId: spanIdOf(ATTEMPT) })
        },
      ),
    )
  })
})

describe('ids that are known before their span is made', () => {
  it("are the caller's trace, else one that can be found by the request's id", () => {
    expect(traceIdOf(REQUEST, readTraceParent(HEADER, undefined))).toBe(TRACE)
    expect(traceIdOf(REQUEST, undefined)).toBe('01a1f886fba779ab91f970455bcf9043')
  })

  it('are different for each of many attempts made in the same millisecond', () => {
    const ids = Array.from({ length: 10_000 }, () => spanIdOf(randomUUIDv7()))
    expect(new Set(ids).size).toBe(10_000)
    expect(ids.filter((id) => !/^[89ab][\da-f]{15}$/.test(id))).toEqual([])
  })

  it('go upstream with the decision to sample, and with what the caller said of the randomness of its trace', () => {
    expect(traceparentOf(REQUEST, ATTEMPT, undefined, true)).toBe(
      '00-01a1f886fba779ab91f970455bcf9043-9ba51201b27fd2ac-01',
    )
    const random = readTraceParent(`00-${TRACE}-${SPAN}-03`, undefined)
    expect(traceparentOf(REQUEST, ATTEMPT, random, false)).toBe(`00-${TRACE}-9ba51201b27fd2ac-02`)
    const unknownBits = readTraceParent(`00-${TRACE}-${SPAN}-fd`, undefined)
    expect(traceparentOf(REQUEST, ATTEMPT, unknownBits, false)).toBe(`00-${TRACE}-9ba51201b27fd2ac-00`)
  })
})
