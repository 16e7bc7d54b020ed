import { RE2JS } from 're2js'
import type { z } from 'zod'
import type { Alias, Hours, RouteTarget, TextPattern } from '../domain/routing/route.ts'
import { leaf, quote } from './leaf.ts'
import { nearest } from './nearest.ts'
import { parseTargetName } from './target-name.ts'

/** Words without spaces, as of models and providers, short enough not to be a key pasted into the wrong place. */
function showName(text: string): string | undefined {
  return /^[\w.@:+-]{0,24}(\/[\w.@:*+/-]{0,40})?$/.test(text) ? quote(text) : undefined
}

/** A model at a provider. */
export function targetName(): z.ZodType<RouteTarget> {
  const expected = 'provider/model, or provider/* for the model as the client asks'
  return leaf(
    (value) => {
      const target = typeof value === 'string' ? parseTargetName(value) : undefined
      return target === undefined ? { expected } : { value: target }
    },
    { show: showName, json: { type: 'string', pattern: '^[^/]+/.+$|\\$\\{' } },
  )
}

/** What a model name means: a model of any provider, or one at a provider. */
export function aliasName(): z.ZodType<Alias> {
  return leaf<Alias>(
    (value) => {
      const isName = typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value) && !value.includes('*')
      if (!isName) return { expected: 'a model, or provider/model' }
      const target = parseTargetName(value)
      return {
        value:
          target?.model === undefined
            ? { provider: undefined, model: value }
            : { provider: target.provider, model: target.model },
      }
    },
    { show: showName, json: { type: 'string' } },
  )
}

/** A text that `*` in it makes a pattern of. */
export function glob(what: string): z.ZodType<string> {
  const expected = `${what} in quotes, with * for any run of characters`
  return leaf(
    (value) =>
      typeof value === 'string' && value !== '' && value.length <= 200 && /^[^\p{Cc}]+$/u.test(value)
        ? { value }
        : { expected },
    { show: showName, json: { type: 'string' } },
  )
}

/** What rows show for a key. Never shown itself, because the key may have been pasted here by a slip. */
export function keySubject(): z.ZodType<string> {
  const expected = 'a key subject in quotes, the 16 hex digits that traces show for a key'
  return leaf((value) => (typeof value === 'string' && /^[\da-f]{16}$/.test(value) ? { value } : { expected }), {
    json: { type: 'string', pattern: '^[0-9a-f]{16}$|\\$\\{' },
  })
}

/** A share relative to others: from 0 to a million. */
export function weight(): z.ZodType<number> {
  const expected = 'a weight from 0 to 1000000, relative to those of the other targets'
  return leaf((value) => (typeof value === 'number' && value >= 0 && value <= 1_000_000 ? { value } : { expected }), {
    show: showName,
    fromText: (text) => (/^\d{1,7}(\.\d{1,6})?$/.test(text) ? Number(text) : text),
    json: {
      anyOf: [
        { type: 'number', minimum: 0, maximum: 1_000_000 },
        { type: 'string', pattern: '\\$\\{' },
      ],
    },
  })
}

/** `08:00-18:00`; the end may be 24:00, or before the start to run past midnight. */
export function timeWindow(): z.ZodType<Pick<Hours, 'fromMinute' | 'toMinute'>> {
  const expected = 'two times of the day that differ, such as 08:00-18:00, or 22:00-06:00 past midnight'
  return leaf(
    (value) => {
      const [, from, to] = (typeof value === 'string' ? /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(value) : null) ?? []
      const fromMinute = minuteOf(from)
      const toMinute = minuteOf(to)
      if (fromMinute === undefined || toMinute === undefined || fromMinute === toMinute) return { expected }
      return fromMinute === 1440 ? { expected } : { value: { fromMinute, toMinute } }
    },
    { show: showName, json: { type: 'string', pattern: '^\\d\\d:\\d\\d-\\d\\d:\\d\\d$|\\$\\{' } },
  )
}

function minuteOf(time: string | undefined): number | undefined {
  const [hours, minutes] = (time ?? '').split(':').map(Number)
  if (hours === undefined || minutes === undefined || minutes > 59) return undefined
  return hours < 24 || (hours === 24 && minutes === 0) ? hours * 60 + minutes : undefined
}

/** An IANA time zone. */
export function timeZone(): z.ZodType<string> {
  return leaf(
    (value) => {
      if (typeof value === 'string' && isZone(value)) return { value }
      const near = typeof value === 'string' ? nearest(value, Intl.supportedValuesOf('timeZone')) : undefined
      return { expected: `a time zone such as ${near ?? 'Europe/Berlin'} or UTC` }
    },
    { show: showName, json: { type: 'string' } },
  )
}

function isZone(name: string): boolean {
  try {
    // Offsets such as +02:00 are refused: they are no zone, and know no summer time.
    return /^[A-Z]/i.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat
  } catch {
    return false
  }
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** `mon`, or `mon-fri`: days of the week, 1 (Monday) to 7. */
export function weekDays(): z.ZodType<readonly number[]> {
  return leaf<readonly number[]>(
    (value) => {
      const [first, last = first] = (typeof value === 'string' ? value : '').split('-').map((day) => DAYS.indexOf(day))
      if (first === undefined || last === undefined || first < 0 || last < 0) {
        return { expected: `one of ${DAYS.join(', ')}, or a run of them such as mon-fri` }
      }
      const count = ((last - first + 7) % 7) + 1
      return { value: Array.from({ length: count }, (_, index) => ((first + index) % 7) + 1) }
    },
    {
      show: showName,
      json: { type: 'string', pattern: '^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$' },
    },
  )
}

/** No real rule needs more. */
const LONGEST_PATTERN = 500
/**
 * Most instructions of a compiled pattern: time grows with text times instructions where the engine cannot do better,
 * and 4096 characters by 500 of them took 4 ms. `\b(refund|invoice)\b` has 20.
 */
const LARGEST_PROGRAM = 300

/**
 * A pattern for text that clients write, so it runs in RE2, whose time grows with the text alone. Case does not matter.
 */
export function textPattern(): z.ZodType<TextPattern> {
  return leaf<TextPattern>(
    (value) => {
      const expected = `a regular expression of at most ${LONGEST_PATTERN} characters that RE2 knows, without look-around and back-references`
      if (typeof value !== 'string' || value === '' || value.length > LONGEST_PATTERN) return { expected }
      try {
        const compiled = RE2JS.compile(value, RE2JS.CASE_INSENSITIVE)
        if (compiled.programSize() > LARGEST_PROGRAM)
          return { expected: `${expected}, and without repeats of hundreds` }
        return { value: { source: value, test: (text) => compiled.test(text) } }
      } catch {
        return { expected }
      }
    },
    { json: { type: 'string', maxLength: LONGEST_PATTERN } },
  )
}
