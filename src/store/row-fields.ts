import type { EpochMs, PicoUsd } from '../domain/units.ts'

// Fields of a JSON line, each with its leading comma: `,"name":value`. A field whose value is the column's default
// is left out: rows stay small in the spool and the server fills it in. Built by hand, because JSON.stringify over
// an object of sixty fields costs more than the rest of recording a request.

/** Longest text kept from a client or a provider, in UTF-16 units: what they send must not blow up a row. */
export const TEXT_CHARS = 256

/** Entries kept of a list or a map that a client or a provider may make as long as it likes. */
export const LIST_ENTRIES = 32

/** What JSON must escape, and lone halves of surrogate pairs, which the server would refuse. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/

/** A bounded JSON string that is always valid UTF-8. */
export function quoted(text: string): string {
  const bounded = text.length > TEXT_CHARS ? text.slice(0, TEXT_CHARS) : text
  return NEEDS_CARE.test(bounded) ? JSON.stringify(bounded.toWellFormed()) : `"${bounded}"`
}

export function textField(name: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : `,"${name}":${quoted(value)}`
}

export function flagField(name: string, value: boolean): string {
  return value ? `,"${name}":true` : ''
}

/** A count of things; undefined (the column's default, NULL or 0) for what cannot be one. */
export function countField(name: string, value: number | undefined): string {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? `,"${name}":${value}` : ''
}

/** Milliseconds, to the microsecond. */
export function durationField(name: string, ms: number | undefined): string {
  return ms !== undefined && Number.isFinite(ms) ? `,"${name}":${Math.round(ms * 1_000) / 1_000}` : ''
}

export function timeField(name: string, at: EpochMs): string {
  return `,"${name}":${Math.floor(at)}`
}

export function textsField(name: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `,"${name}":[${values.slice(0, LIST_ENTRIES).map(quoted).join(',')}]`
}

export function mapField(name: string, map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map)
  if (keys.length === 0) return ''
  const entries = keys.slice(0, LIST_ENTRIES).map((key) => `${quoted(key)}:${quoted(map[key] ?? '')}`)
  return `,"${name}":{${entries.join(',')}}`
}

/** Decimal(18, 12) ends at a million dollars; a call that claims to cost more has a nonsensical usage. */
const COST_LIMIT: PicoUsd = 10n ** 18n

/** US dollars with all twelve decimals, exact; left out (NULL) when unknown or not a possible cost. */
export function costField(name: string, cost: PicoUsd | undefined): string {
  if (cost === undefined || cost < 0n || cost >= COST_LIMIT) return ''
  const digits = cost.toString().padStart(13, '0')
  const point = digits.length - 12
  return `,"${name}":"${digits.slice(0, point)}.${digits.slice(point)}"`
}
