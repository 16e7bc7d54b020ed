import type { EpochMs, PicoUsd } from '../domain/units.ts'

// What a row says in one column, bounded so that no client or provider can make a row that the server refuses.
// Null stands for the column's default: NULL where the column knows it, else the value that its DEFAULT names.

/** A value of one column, as JSON says it. */
export type Field = string | number | boolean | null | readonly Field[] | { readonly [name: string]: Field }

/** A row with exactly one field for each of `Columns`, in their order. */
export type FieldsOf<Columns extends readonly string[]> = { readonly [Index in keyof Columns]: Field }

/** Longest text kept from a client or a provider, in UTF-16 units: what they send must not blow up a row. */
export const TEXT_CHARS = 256

/** Entries kept of a list or a map that a client or a provider may make as long as it likes. */
export const LIST_ENTRIES = 32

/**
 * A row as a JSON array on one line, without the newline. An array, because the names of sixty columns weigh more
 * than their values: half the bytes to write, to send and to parse, and half the time to make them.
 */
export function rowLine(fields: readonly Field[]): string {
  const line = JSON.stringify(fields)
  // Half a surrogate pair comes out as an escape of this kind, which the server would refuse.
  return line.includes('\\ud') ? JSON.stringify(fields, wellFormed) : line
}

export function textField(value: string | undefined): string {
  if (value === undefined) return ''
  return value.length > TEXT_CHARS ? value.slice(0, TEXT_CHARS) : value
}

/** A text whose column has a default of its own: that, where there is none. */
export function textOrDefault(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : textField(value)
}

/** A judge's reasons are longer than a name; still, a row stays a row. */
const EXPLANATION_CHARS = 1_000

export function explanationField(value: string): string {
  return value.slice(0, EXPLANATION_CHARS)
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** An id in a column of the sorting key, which cannot be NULL: all zeros where there is none. */
export function idField(id: string | undefined): string {
  return id ?? NO_ID
}

/** A score or a difference of scores; null where there is none. */
export function valueField(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null
}

/** A count of things; null for what cannot be one. */
export function countField(value: number | undefined): number | null {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/** As `countField`, for UInt16 columns: a larger number is not one that was meant. */
export function smallCountField(value: number | undefined): number | null {
  return value !== undefined && value > 65_535 ? null : countField(value)
}

/** Milliseconds, to the microsecond. */
export function durationField(ms: number | undefined): number | null {
  return ms !== undefined && Number.isFinite(ms) ? Math.round(ms * 1_000) / 1_000 : null
}

export function timeField(at: EpochMs): number {
  return Math.floor(at)
}

export function textsField(values: readonly string[]): readonly string[] {
  return values.slice(0, LIST_ENTRIES).map(textField)
}

const NO_ENTRIES = {}

/** Of keys that are the same once they are cut, the last counts. */
export function mapField(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const keys = Object.keys(map)
  if (keys.length === 0) return NO_ENTRIES
  // Not by assignment: a key may be called __proto__.
  return Object.fromEntries(keys.slice(0, LIST_ENTRIES).map((key) => [textField(key), textField(map[key])]))
}

/** Decimal(18, 12) ends at a million dollars; a call that claims to cost more has a nonsensical usage. */
const COST_LIMIT: PicoUsd = 10n ** 18n

/** US dollars with all twelve decimals, exact; null when unknown or not a possible cost. */
export function costField(cost: PicoUsd | undefined): string | null {
  if (cost === undefined || cost < 0n || cost >= COST_LIMIT) return null
  const digits = cost.toString().padStart(13, '0')
  const point = digits.length - 12
  return `${digits.slice(0, point)}.${digits.slice(point)}`
}

/** For JSON.stringify: replaces halves of surrogate pairs, in texts and in the names of map entries. */
function wellFormed(_name: string, value: Field): Field {
  if (typeof value === 'string') return value.toWellFormed()
  if (value === null || typeof value !== 'object' || isList(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name.toWellFormed(), entry]))
}

function isList(value: Field): value is readonly Field[] {
  return Array.isArray(value)
}
