import { ClickHouseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { describeStoreError, insertFailure } from '../../src/store/insert-failure.ts'

const fromServer = (code: string, type: string) => new ClickHouseError({ code, type, message: `about ${type}` })

test.each([
  ['6', 'CANNOT_PARSE_TEXT'],
  ['26', 'CANNOT_PARSE_QUOTED_STRING'],
  ['27', 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
  ['41', 'CANNOT_PARSE_DATETIME'],
  ['53', 'TYPE_MISMATCH'],
  ['117', 'INCORRECT_DATA'],
  ['376', 'CANNOT_PARSE_UUID'],
  ['407', 'DECIMAL_OVERFLOW'],
  ['469', 'VIOLATED_CONSTRAINT'],
])('rows that the server read and refused are bad rows (%s %s)', (code, type) => {
  expect(insertFailure(fromServer(code, type)).kind).toBe('bad_rows')
})

test.each([
  ['60', 'UNKNOWN_TABLE'],
  ['81', 'UNKNOWN_DATABASE'],
  ['159', 'TIMEOUT_EXCEEDED'],
  ['164', 'READONLY'],
  ['202', 'TOO_MANY_SIMULTANEOUS_QUERIES'],
  ['236', 'ABORTED'],
  ['241', 'MEMORY_LIMIT_EXCEEDED'],
  ['242', 'TABLE_IS_READ_ONLY'],
  ['243', 'NOT_ENOUGH_SPACE'],
  ['252', 'TOO_MANY_PARTS'],
  ['285', 'TOO_FEW_LIVE_REPLICAS'],
  ['394', 'QUERY_WAS_CANCELLED'],
  ['497', 'ACCESS_DENIED'],
  ['516', 'AUTHENTICATION_FAILED'],
  ['999', 'KEEPER_EXCEPTION'],
  ['4242', 'A_CODE_NOT_YET_INVENTED'],
])('a server that cannot take rows just now never costs a row its place (%s %s)', (code, type) => {
  expect(insertFailure(fromServer(code, type)).kind).toBe('unavailable')
})

test('a connection that fails says nothing about the rows', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:8123'), { code: 'ECONNREFUSED' })
  expect(insertFailure(refused)).toEqual({
    kind: 'unavailable',
    detail: 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:8123',
  })
  expect(insertFailure(new Error('Timeout error.')).kind).toBe('unavailable')
  expect(insertFailure('thrown text')).toEqual({ kind: 'unavailable', detail: 'thrown text' })
})

test('the detail names code and kind and is bounded, because the server quotes the row', () => {
  const error = new ClickHouseError({ code: '117', type: 'INCORRECT_DATA', message: 'x'.repeat(10_000) })
  expect(describeStoreError(error)).toMatch(/^117 INCORRECT_DATA: x+$/)
  expect(describeStoreError(error)).toHaveLength(500)
})

test('what the server says ends in one full stop, wherever the client has cut it', () => {
  const error = new ClickHouseError({
    code: '62',
    type: 'SYNTAX_ERROR',
    message: 'failed at position 21: ; SELECT 2. . ',
  })
  expect(describeStoreError(error)).toBe('62 SYNTAX_ERROR: failed at position 21: ; SELECT 2.')
})
