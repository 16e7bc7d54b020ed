import { describe, expect, it } from 'vitest'
import { BARE, DIRECT, MIRRORED, PLANNED, PRODUCT } from '../bench/contenders.ts'
import { readOptions, type Options } from '../bench/options.ts'

function options(line: string): Options {
  const read = readOptions(line === '' ? [] : line.split(' '))
  if (read === 'help') throw new Error('asked for help')
  return read
}
const namesOf = (line: string): readonly string[] => options(line).contenders.map(({ name }) => name)

describe('the command line of the bench', () => {
  it('compares all that fit on one core, and those with workers only when they are named', () => {
    expect(options('').what).toMatchObject({ kind: 'compare', rounds: 5 })
    expect(namesOf('')).toEqual(
      expect.arrayContaining([DIRECT, BARE, 'nginx', 'http-proxy-middleware', PRODUCT, 'portkey']),
    )
    expect(namesOf('').some((name) => name.includes('worker'))).toBe(false)
    expect(namesOf('--workers 3')).toContain(`${PRODUCT} with 3 workers`)
    expect(namesOf('--only nginx')).toEqual([DIRECT, 'nginx'])
  })

  it('takes the length of each part', () => {
    const lengths = { single: 2, crowd: 2, firstByte: 2, streams: 2 }
    expect(options('--rounds 3 --seconds 2').what).toEqual({ kind: 'compare', rounds: 3, lengths })
    expect(options('--rate 1000 --rounds 2').what).toEqual({
      kind: 'rate',
      rounds: 2,
      seconds: 10,
      ratePerSecond: 1000,
    })
  })

  it('sustains ten thousand a second for a minute, and soaks for ten, unless told otherwise', () => {
    const sustain = { kind: 'sustain', ratePerSecond: 10_000, seconds: 60, isSoak: false }
    expect(options('--sustain').what).toEqual(sustain)
    expect(options('--soak').what).toEqual({ ...sustain, ratePerSecond: 500, seconds: 600, isSoak: true })
    expect(namesOf('--sustain --workers 2')).toEqual([DIRECT, BARE, `${PRODUCT} with 2 workers`])
  })

  it('turns a shadow on and off for sixteen rounds', () => {
    expect(options('--shadow').what).toEqual({ kind: 'switched', rounds: 16, seconds: 3 })
    expect(namesOf('--shadow --rounds 2')).toEqual([PLANNED, MIRRORED])
  })

  it.each(['', '--quick', '--rate 100', '--sustain', '--soak', '--shadow', '--profile plain'])(
    'bounds its time: %s',
    (line) => {
      expect(options(line).deadlineMs).toBeLessThan(2 * 3_600_000)
    },
  )

  it.each([
    ['--rounds 0', /--rounds: expected a number from 1 to 100, found "0"/],
    ['--seconds x', /--seconds/],
    ['--rate -1', /--rate/],
    ['--workers 65', /--workers/],
    ['--rounds 1.5', /whole number/],
    ['--only nobody', /nobody is called nobody\. Known: direct,/],
    ['--profile all', /plain or stream/],
  ])('refuses %s and says what it expects', (line, message) => {
    expect(() => options(line)).toThrow(message)
  })
})
