import type { Row } from './client.ts'
import type { EpochMs } from '../domain/units.ts'

// Typed looks at one row of a result. Each throws when the column is not there or is not what the query promises:
// a query and its parser are written together, so that is a bug and not bad luck.

export function readText(row: Row, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : unexpected(row, column, 'text')
}

/** 64-bit integers and decimals arrive as text; above 2⁵³ they lose digits here. */
export function readNumber(row: Row, column: string): number {
  return readOptionalNumber(row, column) ?? unexpected(row, column, 'a number')
}

/** Undefined for NULL. */
export function readOptionalNumber(row: Row, column: string): number | undefined {
  const value = row[column]
  if (value === null) return undefined
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : unexpected(row, column, 'a number or null')
}

export function readFlag(row: Row, column: string): boolean {
  const value = row[column]
  return typeof value === 'boolean' ? value : unexpected(row, column, 'true or false')
}

/** A column that the query selects as milliseconds (`toUnixTimestamp64Milli`). */
export function readTime(row: Row, column: string): EpochMs {
  return readNumber(row, column)
}

/** An exact decimal as text (`0.0021`), which survives JSON where a number would not; undefined for NULL. */
export function readDecimal(row: Row, column: string): string | undefined {
  const value = row[column]
  if (value === null) return undefined
  const isDecimal = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)
  return isDecimal ? value : unexpected(row, column, 'a decimal or null')
}

export function readTexts(row: Row, column: string): readonly string[] {
  const value = row[column]
  return isArray(value) ? value.map((item) => (typeof item === 'string' ? item : unexpected(row, column, 'texts'))) : unexpected(row, column, 'an array')
}

/** The objects of an `Array(Tuple(…))` column with named elements. */
export function readRows(row: Row, column: string): readonly Row[] {
  const value = row[column]
  return isArray(value) ? value.map((item) => (isRow(item) ? item : unexpected(row, column, 'objects'))) : unexpected(row, column, 'an array')
}

/** A `Map(String, …)` column; its values are read like columns. */
export function readMap(row: Row, column: string): Row {
  const value = row[column]
  return isRow(value) ? value : unexpected(row, column, 'a map')
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unexpected(row: Row, column: string, expected: string): never {
  const found = column in row ? JSON.stringify(row[column]) : 'no such column'
  throw new TypeError(`column ${column}: expected ${expected}, found ${found}`)
}
