import { ClickHouseError } from '@clickhouse/client'
import type { Inserted } from './insert.ts'

/**
 * Error codes by which the server says that it read the rows and they do not fit the table. Everything else (down,
 * overloaded, out of memory or disk, too many parts, no such table yet, no right to write) may be better later, and
 * must never lead to a quarantined row. In doubt a code about the shape of data is listed: the batch is then split
 * and sent again, and only a row that is refused all by itself is set aside.
 * Names and numbers: ClickHouse's src/Common/ErrorCodes.cpp.
 */
const BAD_ROWS_CODES: ReadonlyMap<string, string> = new Map([
  ['6', 'CANNOT_PARSE_TEXT'],
  ['7', 'INCORRECT_NUMBER_OF_COLUMNS'],
  ['16', 'NO_SUCH_COLUMN_IN_TABLE'],
  ['25', 'CANNOT_PARSE_ESCAPE_SEQUENCE'],
  ['26', 'CANNOT_PARSE_QUOTED_STRING'],
  ['27', 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
  ['32', 'ATTEMPT_TO_READ_AFTER_EOF'],
  ['33', 'CANNOT_READ_ALL_DATA'],
  ['38', 'CANNOT_PARSE_DATE'],
  ['41', 'CANNOT_PARSE_DATETIME'],
  ['53', 'TYPE_MISMATCH'],
  ['69', 'ARGUMENT_OUT_OF_BOUND'],
  ['70', 'CANNOT_CONVERT_TYPE'],
  ['72', 'CANNOT_PARSE_NUMBER'],
  ['117', 'INCORRECT_DATA'],
  ['128', 'TOO_LARGE_ARRAY_SIZE'],
  ['130', 'CANNOT_READ_ARRAY_FROM_TEXT'],
  ['131', 'TOO_LARGE_STRING_SIZE'],
  ['190', 'SIZES_OF_ARRAYS_DONT_MATCH'],
  ['306', 'TOO_DEEP_RECURSION'],
  ['321', 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE'],
  ['349', 'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN'],
  ['376', 'CANNOT_PARSE_UUID'],
  ['395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
  ['407', 'DECIMAL_OVERFLOW'],
  ['467', 'CANNOT_PARSE_BOOL'],
  ['469', 'VIOLATED_CONSTRAINT'],
  ['691', 'UNKNOWN_ELEMENT_OF_ENUM'],
])

/** Longest detail kept: the server quotes the row it could not read. */
const DETAIL_CHARS = 500

/** What a failed insert means for the batch. */
export function insertFailure(error: unknown): Exclude<Inserted, { readonly kind: 'stored' }> {
  const isBadRows = error instanceof ClickHouseError && BAD_ROWS_CODES.has(error.code)
  return { kind: isBadRows ? 'bad_rows' : 'unavailable', detail: describeStoreError(error) }
}

/** One line for the log and the quarantine: code, name and message, bounded. */
export function describeStoreError(error: unknown): string {
  if (error instanceof ClickHouseError) {
    // The client cuts the server's version off the end and leaves the full stops and blanks before it.
    const message = error.message.replace(/[.\s]+$/, '.')
    return `${error.code} ${error.type ?? ''}: ${message}`.slice(0, DETAIL_CHARS)
  }
  if (!(error instanceof Error)) return String(error).slice(0, DETAIL_CHARS)
  // Node reports "connection refused" on several addresses as an AggregateError without a message of its own.
  const code = 'code' in error ? String(error.code) : error.name
  return `${code}: ${error.message}`.slice(0, DETAIL_CHARS)
}
