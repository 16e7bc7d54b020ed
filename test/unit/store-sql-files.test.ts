import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseSqlFile, readSqlFiles, renderStatement } from '../../src/store/sql-files.ts'

const names = {
  database: 'understudy',
  cluster: undefined,
  retention: {
    tracesDays: 30,
    attemptsDays: 40,
    contentsDays: 45,
    quarantineDays: 50,
    rollupMinutesDays: 60,
    rollupHoursDays: 70,
  },
}

test('a file is cut into the statements after its "-- statement:" lines', () => {
  const file = parseSqlFile('007_x.sql', '-- about\n\n-- statement: one\nSELECT 1\n-- statement: two\nSELECT 2\n')
  expect(file).toMatchObject({ version: 7, name: '007_x.sql', statements: ['SELECT 1', 'SELECT 2'] })
})

test('the checksum covers every byte of the file and nothing that is filled in', () => {
  const one = parseSqlFile('001_a.sql', '-- statement: x\nSELECT {traces_days}')
  expect(parseSqlFile('001_a.sql', '-- statement: x\nSELECT {traces_days}').checksum).toBe(one.checksum)
  expect(parseSqlFile('001_a.sql', '-- statement: y\nSELECT {traces_days}').checksum).not.toBe(one.checksum)
})

test('a file without a statement is refused with what was expected', () => {
  expect(() => parseSqlFile('001_a.sql', 'SELECT 1')).toThrow(/001_a.sql: expected at least one "-- statement: …" line/)
})

test('on one server tables are plain', () => {
  const sql = 'CREATE TABLE {database}.t {on_cluster} ENGINE = {engine:MergeTree} TTL d + INTERVAL {attempts_days} DAY'
  expect(renderStatement(sql, names)).toBe('CREATE TABLE `understudy`.t  ENGINE = MergeTree TTL d + INTERVAL 40 DAY')
})

test('a database name cannot leave its quotes', () => {
  expect(renderStatement('{database}.t', { ...names, database: 'a`.b; DROP' })).toBe('`a\\`.b; DROP`.t')
})

test('an unknown placeholder is refused by name', () => {
  expect(() => renderStatement('SELECT {databse}', names)).toThrow(/unknown placeholder \{databse\}/)
})

test('two files with one number are refused', () => {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-sql-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, '001_a.sql'), '-- statement: a\nSELECT 1')
  writeFileSync(join(dir, '001_b.sql'), '-- statement: b\nSELECT 1')
  expect(() => readSqlFiles(dir)).toThrow(/two migrations have the number 1/)
})
