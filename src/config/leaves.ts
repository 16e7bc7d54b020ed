import type { z } from 'zod'
import type { Listen } from '../domain/policy.ts'
import { MAX_TIMER_MS, parseDurationMs } from './duration.ts'
import { scaleDecimal } from './exact-decimal.ts'
import { leaf, quote } from './leaf.ts'
import { parseListen } from './listen-address.ts'
import { formatSizeBytes, parseSizeBytes } from './size.ts'

/** Editors must not complain about `${NAME}` where a number or a choice belongs. */
const INTERPOLATION = { type: 'string', pattern: '\\$\\{' }

/** More processes than any machine has cores for. */
export const MAX_WORKERS = 256

/** One of a few words. */
export function choice<const T extends string>(known: readonly T[]): z.ZodType<T> {
  return leaf(
    (value) => {
      const word = known.find((candidate) => candidate === value)
      return word === undefined ? { expected: `one of ${known.join(', ')}` } : { value: word }
    },
    { show: showWord, json: { anyOf: [{ enum: known }, INTERPOLATION] } },
  )
}

/** `true` or `false`. */
export function flag(): z.ZodType<boolean> {
  return leaf((value) => (typeof value === 'boolean' ? { value } : { expected: 'true or false' }), {
    show: showWord,
    fromText: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
    json: { anyOf: [{ type: 'boolean' }, INTERPOLATION] },
  })
}

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): z.ZodType<number> {
  const expected = `a whole number from ${min} to ${max}`
  return leaf(
    (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? { value } : { expected },
    {
      show: showWord,
      fromText: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
      json: { anyOf: [{ type: 'integer', minimum: min, maximum: max }, INTERPOLATION] },
    },
  )
}

/** A share of a whole, from 0 to 1. */
export function share(): z.ZodType<number> {
  const expected = 'a share from 0 to 1, such as 0.05 for 5 %'
  return leaf((value) => (typeof value === 'number' && value >= 0 && value <= 1 ? { value } : { expected }), {
    show: showWord,
    fromText: (text) => (/^[01](\.\d{1,6})?$/.test(text) ? Number(text) : text),
    json: { anyOf: [{ type: 'number', minimum: 0, maximum: 1 }, INTERPOLATION] },
  })
}

/** A number of processes, or `auto`. */
export function workerCount(): z.ZodType<number | 'auto'> {
  return leaf<number | 'auto'>(
    (value) => {
      if (value === 'auto') return { value }
      const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_WORKERS
      return isCount ? { value } : { expected: `a whole number from 1 to ${MAX_WORKERS}, or auto` }
    },
    {
      show: showWord,
      fromText: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
      json: { anyOf: [{ type: 'integer', minimum: 1, maximum: MAX_WORKERS }, { enum: ['auto'] }, INTERPOLATION] },
    },
  )
}

/** Milliseconds, written `500ms`, `30s`, `10m`, `2h` or `7d`; at least 1 ms, at most what a timer holds. */
export function durationMs(): z.ZodType<number> {
  const expected = 'a duration such as 500ms, 30s, 10m or 2h'
  return leaf(
    (value) => {
      const milliseconds = typeof value === 'string' ? parseDurationMs(value) : undefined
      if (milliseconds === undefined) return { expected }
      if (milliseconds < 1 || milliseconds > MAX_TIMER_MS) return { expected: `${expected}, from 1ms to 24d` }
      return { value: milliseconds }
    },
    { show: showWord, json: { type: 'string', pattern: '^\\d+(ms|s|m|h|d)$|\\$\\{' } },
  )
}

/** Whole days, written `30d`. */
export function wholeDays(): z.ZodType<number> {
  const expected = 'a number of days such as 30d, from 1d to 3650d'
  return leaf(
    (value) => {
      const match = typeof value === 'string' ? /^(\d{1,4})d$/.exec(value) : null
      const days = Number(match?.[1])
      return days >= 1 && days <= 3650 ? { value: days } : { expected }
    },
    { show: showWord, json: { type: 'string', pattern: '^\\d+d$|\\$\\{' } },
  )
}

/** Bytes, written `64MB`, `1.5GB` or `512KiB`; at least `minBytes`. */
export function sizeBytes(minBytes: number): z.ZodType<number> {
  const expected = 'a size such as 64MB, 1.5GB or 512KiB'
  return leaf(
    (value) => {
      const bytes = typeof value === 'string' ? parseSizeBytes(value) : undefined
      if (bytes === undefined) return { expected }
      return bytes < minBytes ? { expected: `${expected}, at least ${formatSizeBytes(minBytes)}` } : { value: bytes }
    },
    { show: showWord, json: { type: 'string', pattern: '^[\\d.]+([KMGT]i?B|B)$|\\$\\{' } },
  )
}

/** Host and port to listen on. */
export function listenAddress(): z.ZodType<Listen> {
  return leaf(
    (value) => {
      const listen = typeof value === 'string' ? parseListen(value) : undefined
      return listen === undefined
        ? { expected: 'an address and a port such as 127.0.0.1:8787, 0.0.0.0:8787 or [::1]:8787' }
        : { value: listen }
    },
    { show: (text) => (/^[\w.:[\]-]{1,60}$/.test(text) ? quote(text) : undefined), json: { type: 'string' } },
  )
}

/**
 * A key or token: visible ASCII, because it travels in a header. Empty is absent, so that `${KEY:-}` makes it
 * optional. Never shown.
 */
export function secret(): z.ZodType<string | undefined> {
  return leaf<string | undefined>(
    (value) => {
      if (value === '') return { value: undefined }
      const isVisible = typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
      return isVisible ? { value } : { expected: 'a key in quotes, without spaces or line breaks' }
    },
    { isSecret: true, json: { type: 'string' } },
  )
}

/** A text that matches `pattern`, which `expected` describes. */
export function text(expected: string, pattern: RegExp): z.ZodType<string> {
  return leaf((value) => (typeof value === 'string' && pattern.test(value) ? { value } : { expected }), {
    show: showWord,
    json: { type: 'string' },
  })
}

/** Any text at all, empty included. Never shown. */
export function password(): z.ZodType<string> {
  return leaf((value) => (typeof value === 'string' ? { value } : { expected: 'a password in quotes' }), {
    isSecret: true,
    json: { type: 'string' },
  })
}

/**
 * A price in USD per `per` (tokens, searches), as whole pico-dollars for one of them: `unitPicoUsd` is what 1 USD
 * means. Six decimals are the most that stays whole, so more are refused rather than rounded.
 */
export function priceUsd(per: string, unitPicoUsd: bigint): z.ZodType<number> {
  const expected = `a price in USD per ${per}, such as 2.5, with at most 6 decimals and at most 1000000`
  return leaf(
    (value) => {
      const isExact = typeof value === 'string' && /^\d+(\.\d{1,6}0*)?$/.test(value)
      const picoUsd = isExact ? scaleDecimal(value, unitPicoUsd) : undefined
      if (picoUsd === undefined || picoUsd > 1_000_000n * unitPicoUsd) return { expected }
      return { value: Number(picoUsd) }
    },
    {
      show: showWord,
      takesDigits: true,
      json: { anyOf: [{ type: 'number', minimum: 0, maximum: 1_000_000 }, INTERPOLATION] },
    },
  )
}

/** A word or a number that cannot be more than a slip of the pen; longer or stranger things are not shown. */
function showWord(text: string): string | undefined {
  return /^[\w .+:-]{0,24}$/.test(text) ? quote(text) : undefined
}
