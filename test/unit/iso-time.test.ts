import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isoTime } from '../../src/telemetry/iso-time.ts'

it('writes any time as Date does, whatever it was asked for before', () => {
  const year = 366 * 86_400_000
  const time = fc.oneof(
    fc.double({ min: -year, max: 200 * year, noNaN: true }),
    fc.integer({ min: -5_000, max: 5_000 }),
    fc.integer({ min: 8.64e15 - 5_000, max: 8.64e15 }),
  )
  fc.assert(
    fc.property(fc.array(time, { maxLength: 30 }), (times) => {
      const write = isoTime()
      expect(times.map(write)).toEqual(times.map((at) => new Date(at).toISOString()))
    }),
  )
})

it('goes on after a time that is none', () => {
  const write = isoTime()
  expect(() => write(Number.NaN)).toThrow(RangeError)
  expect(write(1)).toBe('1970-01-01T00:00:00.001Z')
})
